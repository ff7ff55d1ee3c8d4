/** Where a test run has put the processes of test/processes, one file each (infra/gate/bundled-processes.mjs). */
export const bundledProcessesDir = process.env.TESTKIT_PROCESSES_DIR;
