// `npm test`: prepares, builds, runs every suite. Its last line is the sum over all of them.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { build } from './build.mjs';
import { isCI, root, run, tool } from './run.mjs';
import { setup } from './setup.mjs';

const reports = resolve(root, '.cache/test');

const vitest = (project, report) => [
  tool('vitest'),
  ['run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
];

const suites = {
  unit: { needsBrowser: false, command: (report) => vitest('unit', report) },
  browser: { needsBrowser: true, command: (report) => vitest('browser', report) },
  sim: {
    needsBrowser: false,
    command: () => [process.execPath, ['scripts/sim.mjs', '--seeds', '2000']],
    isQuiet: true,
  },
  e2e: { needsBrowser: true, command: () => [tool('playwright'), ['test']] },
};

const countVitest = (report) => {
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
};

const countPlaywright = ({ stats, errors }) => ({
  passed: stats.expected + stats.flaky,
  failed: stats.unexpected + (stats.unexpected === 0 ? errors.length : 0),
  skipped: stats.skipped,
});

/** All seeds together count as one test, and each that finds a violation as one that failed. */
const countSim = (output) => {
  const violations = Number(/^seeds \d+, violations (\d+),/m.exec(output)?.[1] ?? 1);
  return { passed: violations === 0 ? 1 : 0, failed: violations, skipped: 0 };
};

const readCounts = (name, report, output) => {
  if (name === 'sim') return countSim(output);
  try {
    const parsed = JSON.parse(readFileSync(report, 'utf8'));
    return name === 'e2e' ? countPlaywright(parsed) : countVitest(parsed);
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
};

const runSuite = async (name, chromium) => {
  console.log(`\n=== ${name} ===`);
  if (suites[name].needsBrowser && chromium === undefined) {
    console.log('There is no Chromium to run it in.');
    return { passed: 0, failed: isCI ? 1 : 0, skipped: isCI ? 0 : 1 };
  }
  const report = resolve(reports, `${name}.json`);
  const [command, args] = suites[name].command(report);
  const env = { PLAYWRIGHT_JSON_OUTPUT_FILE: report, ...(chromium && { ONESOCKET_CHROMIUM: chromium }) };
  const { code, output } = await run(command, args, { env, show: !suites[name].isQuiet });
  if (suites[name].isQuiet) console.log(output.trim());
  const counts = readCounts(name, report, output);
  // An error outside of any test, or a pattern that matches no file, must not look like success.
  if (counts.failed === 0 && (code !== 0 || counts.passed === 0)) {
    console.log(`${name}: exit code ${code}, ${counts.passed} tests passed: counted as a failure`);
    counts.failed = 1;
  }
  return counts;
};

const chosenSuites = () => {
  const at = process.argv.indexOf('--only');
  const names = at === -1 ? Object.keys(suites) : (process.argv[at + 1] ?? '').split(',');
  const unknown = names.filter((name) => suites[name] === undefined);
  if (unknown.length > 0)
    throw new Error(`--only takes ${Object.keys(suites).join(', ')}, not ${unknown.join(', ')}`);
  return names;
};

const runAll = async () => {
  const total = { passed: 0, failed: 0, skipped: 0 };
  const names = chosenSuites();
  const { isReady, chromium } = await setup({
    needsBrowser: names.some((name) => suites[name].needsBrowser),
  });
  if (!isReady) throw new Error('The npm packages could not be installed.');
  await build();
  rmSync(reports, { recursive: true, force: true });
  mkdirSync(reports, { recursive: true });
  for (const name of names) {
    const counts = await runSuite(name, chromium);
    for (const key of Object.keys(total)) total[key] += counts[key];
  }
  return total;
};

let total;
try {
  total = await runAll();
} catch (error) {
  console.error(error.message);
  total = { passed: 0, failed: 1, skipped: 0 };
}
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
