// `npm test`: prepares, builds, runs every suite. Its last line is the sum over all of them.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { build } from './build.mjs';
import { isCI, root, run, tool } from './run.mjs';
import { isForThisPlatform, setup } from './setup.mjs';

const reports = resolve(root, '.cache/test');

const vitest = (project, report) => [
  tool('vitest'),
  ['run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
];

const playwright = (_report, browsers) => [
  tool('playwright'),
  ['test', ...browsers.map((name) => `--project=${name}-*`)],
];

/**
 * `needs`: programs; where there are several, they are browsers, and it runs in those of them that are there. What is quiet
 * is shown when it has ended. Which multi-tab tests are `patient` stands in playwright.config.ts.
 */
const suites = {
  unit: { needs: [], command: (report) => vitest('unit', report), kind: 'vitest' },
  proxy: { needs: ['nginx'], command: (report) => vitest('proxy', report), kind: 'vitest' },
  browser: { needs: ['chromium'], command: (report) => vitest('browser', report), kind: 'vitest' },
  sim: {
    needs: [],
    command: () => [process.execPath, ['scripts/sim.mjs', '--seeds', '2000']],
    kind: 'sim',
    isQuiet: true,
  },
  e2e: {
    needs: ['chromium', 'firefox'],
    command: playwright,
    kind: 'playwright',
  },
  patient: {
    needs: ['chromium', 'firefox'],
    command: playwright,
    kind: 'playwright',
    isQuiet: true,
  },
  webkit: { needs: ['webkit'], command: playwright, kind: 'playwright' },
};

/**
 * Steps follow one another; the lanes of a step run side by side, the suites of a lane in turn: what waits most of its
 * time beside what computes. The simulation does so behind whatever else wants the processor.
 */
const steps = [[['unit']], [['proxy', 'webkit'], ['sim']], [['browser']], [['e2e'], ['patient']]];

const noCounts = () => ({ passed: 0, failed: 0, skipped: 0 });

const add = (total, counts) => {
  for (const key of Object.keys(total)) total[key] += counts[key];
};

const textOf = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;

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

const outcomes = { expected: 'passed', flaky: 'passed', unexpected: 'failed', skipped: 'skipped' };

/** Playwright's tests by project, with the seconds that they took together. */
const countProjects = ({ suites: files }) => {
  const projects = new Map();
  const visit = ({ specs = [], suites: inner = [] }) => {
    for (const { projectName, status, results } of specs.flatMap(({ tests }) => tests)) {
      const counts = projects.get(projectName) ?? { ...noCounts(), ms: 0 };
      counts[outcomes[status]] += 1;
      counts.ms += results.reduce((sum, { duration }) => sum + duration, 0);
      projects.set(projectName, counts);
    }
    inner.forEach(visit);
  };
  files.forEach(visit);
  return projects;
};

const countPlaywright = (report) => {
  const total = noCounts();
  for (const [name, counts] of countProjects(report)) {
    console.log(`  ${name}: ${textOf(counts)}, ${Math.round(counts.ms / 1000)} s of tests`);
    add(total, counts);
  }
  if (total.failed === 0) total.failed = report.errors.length;
  return total;
};

/** All seeds together count as one test, and each that finds a violation as one that failed. */
const countSim = (output) => {
  const violations = Number(/^seeds \d+, violations (\d+),/m.exec(output)?.[1] ?? 1);
  return { passed: violations === 0 ? 1 : 0, failed: violations, skipped: 0 };
};

const readCounts = (kind, report, output) => {
  if (kind === 'sim') return countSim(output);
  try {
    const parsed = JSON.parse(readFileSync(report, 'utf8'));
    return kind === 'playwright' ? countPlaywright(parsed) : countVitest(parsed);
  } catch {
    return noCounts();
  }
};

/** A program that is missing counts as a test: as failed in CI, where one should be, otherwise as skipped. */
const countMissing = (needs, found) => {
  const counts = noCounts();
  for (const name of needs.filter((each) => found[each] === undefined)) {
    const isFailure = isCI && isForThisPlatform(name);
    counts[isFailure ? 'failed' : 'skipped'] += 1;
    console.log(`There is no ${name} to run it with.`);
  }
  return counts;
};

const environmentOf = (name, found, report) => ({
  PLAYWRIGHT_JSON_OUTPUT_FILE: report,
  ONESOCKET_SUITE: name,
  ...Object.fromEntries(
    Object.entries(found).map(([program, path]) => [`ONESOCKET_${program.toUpperCase()}`, path]),
  ),
});

const runSuite = async (name, found) => {
  const { needs, command, kind, isQuiet = false } = suites[name];
  const title = `\n=== ${name} ===`;
  if (!isQuiet) console.log(title);
  const counts = countMissing(needs, found);
  const present = needs.filter((each) => found[each] !== undefined);
  if (needs.length > 0 && present.length === 0) return counts;
  const report = resolve(reports, `${name}.json`);
  const [program, args] = command(report, present);
  const { code, output } = await run(program, args, {
    env: environmentOf(name, found, report),
    show: !isQuiet,
  });
  if (isQuiet) console.log(`${title}\n${output.trim()}`);
  const ran = readCounts(kind, report, output);
  // An error outside of any test, or a pattern that matches no file, must not look like success.
  if (ran.failed === 0 && (code !== 0 || ran.passed === 0)) {
    console.log(`${name}: exit code ${code}, ${ran.passed} tests passed: counted as a failure`);
    ran.failed = 1;
  }
  add(counts, ran);
  console.log(`${name}: ${textOf(counts)}`);
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
  const total = noCounts();
  const names = chosenSuites();
  const { isReady, found } = await setup([...new Set(names.flatMap((name) => suites[name].needs))]);
  if (!isReady) throw new Error('The npm packages could not be installed.');
  await build();
  rmSync(reports, { recursive: true, force: true });
  mkdirSync(reports, { recursive: true });
  const runLane = async (lane) => {
    for (const name of lane) if (names.includes(name)) add(total, await runSuite(name, found));
  };
  for (const lanes of steps) await Promise.all(lanes.map(runLane));
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
console.log(`\n${textOf(total)}`);
