/** The parts of docs/results.md that are made from what is kept: between `<!-- results: NAME -->` and `<!-- end -->`. */
import { mergedRows, mergedTable } from '../compare/merged-table.js';
import type { Results } from '../compare/results.js';
import { type AirbenchRun, airbenchCommand, airbenchTable } from './airbench.js';
import { budgetTable } from './budget.js';
import { type Experiment, budgets, experimentNamed, experimentsOf, joined } from './experiments.js';
import { joinedTable } from './joined.js';
import type { Kept } from './kept.js';

type Finished = readonly [Experiment, Results];

const BLOCK = /<!-- results: ([\w-]+) -->[\s\S]*?<!-- end -->/g;

/** The names of a text's blocks, in order. */
export function blocksOf(text: string): string[] {
  return [...text.matchAll(BLOCK)].map(([, name]) => name);
}

/** The text with its blocks made anew. */
export function filled(text: string, blockOf: (name: string) => string): string {
  return text.replace(
    BLOCK,
    (_, name: string) => `<!-- results: ${name} -->\n\n${blockOf(name)}\n\n<!-- end -->`,
  );
}

/**
 * What stands in a block: the commands, and what came out.
 *
 * @throws RangeError for a block of an experiment that there is not, or of which nothing is kept
 */
export function block(name: string, { results: kept, airbenchRuns }: Kept): string {
  const finished = experimentsOf(name).flatMap((experiment): Finished[] => {
    const results = kept.get(experiment);
    return results ? [[experimentNamed(experiment), results]] : [];
  });
  if (finished.length === 0) throw new RangeError(`nothing is kept of "${name}"`);
  return `${commands(finished, airbenchRuns)}\n\n${tables(name, finished, airbenchRuns)}`;
}

function tables(name: string, finished: readonly Finished[], airbenchRuns: readonly AirbenchRun[]): string {
  const results = finished.map(([, found]) => found);
  if (Object.hasOwn(budgets, name)) {
    const picture = `![Final accuracy by epochs of training](plots/${name}.svg)`;
    return `${tableOf(budgetTable(results))}\n\n${picture}`;
  }
  if (Object.hasOwn(joined, name)) {
    const settings = new Map(joined[name]);
    return tableOf(
      joinedTable(finished.map(([experiment, found]) => [found, settings.get(experiment.name)!])),
    );
  }
  if (finished[0][0].besideAirbench) return tableOf(airbenchTable(results[0], airbenchRuns));
  return tableOf(mergedTable(mergedRows(name, results[0])).map((row) => row.slice(2)));
}

/** As one would type it, with the seeds that are finished. */
function commands(finished: readonly Finished[], airbenchRuns: readonly AirbenchRun[]): string {
  const lines = finished.flatMap(([experiment, { setup }]) => {
    const { name, parameters, threads = 1, pretraining, besideAirbench } = experiment;
    const before = `runs/${name}-pretrained`;
    const compared = [...parameters, ...(pretraining ? ['--model', `${before}/model.onnx`] : [])];
    return [
      ...(pretraining
        ? [`tract train ${pretraining.join(' ')} --out ${before}`, `tract export ${before}`]
        : []),
      `tract compare ${compared.join(' ')} --seeds ${setup.seeds.join(',')} --threads ${threads} --out runs/${name}`,
      ...(besideAirbench ? airbenchRuns.map(airbenchCommand) : []),
    ];
  });
  return `\`\`\`sh\n${lines.join('\n')}\n\`\`\``;
}

function tableOf([heading, ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = heading.map((_, i) => (i === 0 ? '---' : '---:'));
  return [heading, rule, ...rows].map(line).join('\n');
}
