/** `tract inspect`. */
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { standaloneSvg } from '../compare/chart.js';
import { filtersSvg } from '../compare/filters.js';
import { inspect as inspectModel } from '../compare/inspection.js';
import type { Device } from '../engine/device.js';
import type { Lambda } from '../tract/lambda.js';
import { writeAtomically } from '../train/atomic-write.js';
import { isDatasetName } from './dataset-names.js';
import { loadDataset } from './datasets.js';
import { UsageError } from './errors.js';
import { widthOf, wrap } from './layout.js';
import { readTrained } from './trained.js';

export interface InspectFlags {
  readonly dataDir?: string;
  readonly out?: string;
  readonly lambda?: Lambda;
  readonly device: Device;
  readonly threads?: number;
  readonly json?: boolean;
}

/** Draws the filters of a run and its ‖Δz‖ picture, as a page and as SVG files. */
export async function inspect(run: string, flags: InspectFlags): Promise<void> {
  const { file, config, model, learned } = await readTrained(run);
  const { name } = config.data;
  if (!isDatasetName(name)) {
    throw new UsageError(`${file} is of a run on "${name}", which is no dataset of this command`);
  }
  const dataset = await loadDataset({
    name,
    dir: flags.dataDir,
    limitTrain: config.data.trainImages,
    limitTest: config.data.testImages,
  });
  const { lambda, device, threads } = flags;
  const { filters, updates, html } = await inspectModel(
    `The first layer of ${model.name}, trained on ${name}${config.tract ? ' with TrAct' : ''}`,
    model,
    learned,
    dataset,
    { device, ...(lambda !== undefined && { lambda }), ...(threads !== undefined && { threads }) },
  );
  const folder = flags.out ?? join(dirname(file), 'inspect');
  await mkdir(folder, { recursive: true });
  const page = join(folder, 'inspect.html');
  const plots = [
    ...(filters ? [['filters.svg', filtersSvg(filters, `First-layer filters of ${model.name}`)]] : []),
    ...(updates?.charts.map((chart) => [`${chart.name}.svg`, standaloneSvg(chart)]) ?? []),
  ];
  for (const [plot, svg] of plots) await writeAtomically(join(folder, plot), svg);
  await writeAtomically(page, html);
  if (flags.json) {
    const event = {
      event: 'inspection',
      checkpoint: basename(file),
      report: page,
      plots: plots.map(([plot]) => join(folder, plot)),
      ...(filters && { filters: filters.count, kernel: filters.kernel }),
      ...(updates && { images: updates.updates.vanilla.length, correlations: updates.correlations }),
    };
    process.stdout.write(`${JSON.stringify(event)}\n`);
    return;
  }
  const width = widthOf(process.stdout);
  for (const sentence of updates?.sentences ?? []) process.stdout.write(`${wrap(sentence, width)}\n`);
  process.stdout.write(`Drawn in ${page}\n`);
}
