/** Where a test run has put the processes of test/processes, one file each (infra/gate/bundled-processes.mjs). */
export const bundledProcesses = process.env.TESTKIT_PROCESSES_DIR;
