/** `npm run bench`: what a training step costs on this machine. */
import { execFile } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CommanderError } from 'commander';
import { noBrowser } from '../testing/browser.js';
import { type BrowserCase, browserTable, measureInBrowser, missingLibraries } from './browser/compare.js';
import { profileInBrowser } from './browser/profile.js';
import { ContenderError } from './contender.js';
import { describeEnvironment, environment } from './environment.js';
import { measureCase } from './measure.js';
import { type BenchOptions, parseOptions } from './options.js';
import { findPeers } from './peers.js';
import type { ProfileRequest, ProfiledCase } from './profile-process.js';
import { profileReport } from './profile-report.js';
import { peerNotes, peerTable, startTable, stepTable } from './report.js';
import { type CaseSummary, summarize } from './summary.js';

/** Shows what is being done on a terminal, and nothing elsewhere. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}

async function profile({ cases, steps, threads, json, browser }: BenchOptions): Promise<void> {
  const script = fileURLToPath(new URL('profile-process.js', import.meta.url));
  const results: Record<string, ProfiledCase> = {};
  for (const benchCase of cases) {
    const { name } = benchCase;
    progress(`${name}: profiling`);
    const request: ProfileRequest = { name, steps, threads };
    const ofProcess = async (): Promise<ProfiledCase> => {
      const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(request)], {
        maxBuffer: 2 ** 26,
      });
      return JSON.parse(stdout) as ProfiledCase;
    };
    results[name] = await (browser ? profileInBrowser(benchCase, steps, threads) : ofProcess());
    progress('');
    if (!json) console.log(`\n${profileReport(name, results[name])}`);
  }
  if (json) console.log(JSON.stringify({ environment: environment(), profiles: results }, null, 2));
}

async function compare({ cases, steps, threads, json, peers: withPeers }: BenchOptions): Promise<void> {
  const peers = withPeers ? findPeers() : { installed: [], missing: [] };
  const summaries: CaseSummary[] = [];
  for (const benchCase of cases) {
    const measurement = await measureCase(benchCase, {
      steps,
      threads,
      peers: peers.installed,
      onProgress: progress,
    });
    progress('');
    summaries.push(summarize(benchCase, measurement));
  }
  if (json) {
    const { missing } = peers;
    console.log(JSON.stringify({ environment: environment(), steps, cases: summaries, missing }, null, 2));
    return;
  }
  console.log(`
The step: medians of ${steps} steps; rates are those of the step without TrAct
${stepTable(summaries)}

The start and the memory of the process that trains with TrAct (MB are 10⁶ bytes; peaks of the resident set)
${startTable(summaries)}`);
  const table = peerTable(summaries);
  if (table !== undefined) {
    console.log(
      `\nThe same step in other libraries (without TrAct; alone or in turns, whichever is better; relative by images/s)\n${table}`,
    );
  }
  for (const note of peerNotes(summaries, peers.missing)) console.log(`  ${note}`);
}

async function compareInBrowser({ cases, steps, lowering, json }: BenchOptions): Promise<void> {
  const missing = noBrowser();
  if (missing !== false) throw new ContenderError(`cannot be started: ${missing}`);
  const results: BrowserCase[] = [];
  for (const benchCase of cases) {
    const result = await measureInBrowser(benchCase, {
      steps,
      ...(lowering && { lowering }),
      onProgress: progress,
    });
    progress('');
    results.push(result);
    if (!json) console.log(`\n${browserTable(result)}`);
  }
  if (json) console.log(JSON.stringify({ environment: environment(), steps, browser: results }, null, 2));
  else if (!lowering) {
    for (const name of missingLibraries())
      console.log(`  ${name} is not installed: npm install --prefix bench/peers`);
  }
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (!options.json) console.log(describeEnvironment(environment(), options.threads));
  await (options.profile ? profile : options.browser ? compareInBrowser : compare)(options);
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode;
  else if (error instanceof ContenderError) {
    progress('');
    console.error(`bench: a training process ${error.message}`);
    process.exitCode = 1;
  } else throw error;
}
