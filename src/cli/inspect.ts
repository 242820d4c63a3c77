/** `tract inspect`. */
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { standaloneSvg } from '../compare/chart.js';
import { filtersSvg } from '../compare/filters.js';
import { inspect as inspectModel } from '../compare/inspection.js';
import type { Device } from '../engine/device.js';
import type { Lambda } from '../tract/lambda.js';
import { writeAtomically } from '../data/atomic-write.js';
import { datasetOfRun } from './datasets.js';
import { print, printJson } from './terminal.js';
import { readTrained } from './trained.js';

export interface InspectFlags {
  readonly data?: string;
  readonly dataDir?: string;
  readonly out?: string;
  readonly lambda?: Lambda;
  readonly device: Device;
  readonly threads?: number;
  readonly json?: boolean;
}

/** Draws the filters of a run and its ‖Δz‖ picture, as a page and as SVG files. */
export async function inspect(run: string, flags: InspectFlags): Promise<void> {
  const { file, config, model, trainable, learned } = await readTrained(run);
  const { name } = config.data;
  const dataset = await datasetOfRun(config.data, file, { dir: flags.dataDir, data: flags.data });
  const { lambda, device, threads } = flags;
  const { filters, updates, html } = await inspectModel(
    `The first layer of ${model.name}, trained on ${name}${config.tract ? ' with TrAct' : ''}`,
    trainable,
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
    printJson(event);
    return;
  }
  print(...(updates?.sentences ?? []), `Drawn in ${page}`);
}
