// vitest reporter: prints `N passed, N failed, N skipped` alone on the last line. With CI=true a skipped test is a failure.

/** @param {readonly import('vitest/node').TestModule[]} modules */
function count(modules) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const skipped = [];
  for (const module of modules) {
    let failedHere = 0;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') counts.passed += 1;
      else if (state === 'failed') failedHere += 1;
      else {
        counts.skipped += 1;
        skipped.push(`${module.relativeModuleId} > ${test.fullName}`);
      }
    }
    // A file that could not be run at all, or whose hook failed, is a failure though no test of it says so.
    counts.failed += failedHere === 0 && !module.ok() ? 1 : failedHere;
  }
  return { counts, skipped };
}

export default class ClosingLine {
  /** @param {readonly import('vitest/node').TestModule[]} modules @param {readonly unknown[]} unhandled */
  onTestRunEnd(modules, unhandled) {
    const { counts, skipped } = count(modules);
    counts.failed += unhandled.length;
    if (process.env.CI === 'true' && counts.skipped > 0) {
      console.error(`In CI a skipped test is a failure:\n${skipped.map((name) => `  ${name}`).join('\n')}`);
      process.exitCode = 1;
    }
    // After the default reporter's summary, whichever of the two is told first.
    process.once('exit', (exitCode) => {
      // Something beside the tests failed: a leaked process, a skipped test in CI.
      if (exitCode !== 0 && counts.failed === 0) counts.failed = 1;
      console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
    });
  }
}
