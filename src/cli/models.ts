/** `tract models`. */
import { createModel, models } from '../models/registry.js';
import { short } from './format.js';
import { table, widthOf, wrap } from './layout.js';
import { parameterCount } from './train.js';

/** Lists the models as they are with their defaults, for 10 classes. */
export function listModels({ json }: { json?: boolean }): void {
  const rows = [...models].map(([name, { description }]) => {
    const model = createModel(name);
    return {
      name,
      parameters: parameterCount(model),
      imageSize: model.imageShape[1],
      description,
      config: model.config,
    };
  });
  if (json) {
    for (const row of rows) process.stdout.write(`${JSON.stringify({ event: 'model', ...row })}\n`);
    return;
  }
  const cells = rows.map(({ name, parameters, imageSize, description }) => [
    name,
    short(parameters),
    String(imageSize),
    description,
  ]);
  const width = widthOf(process.stdout);
  const note =
    "Parameters are those for 10 classes; pixels is the default height and width, which training sets to the dataset's.";
  process.stdout.write(
    `${table([['name', 'parameters', 'pixels', 'description'], ...cells], { left: [0, 3], width })}\n${wrap(note, width)}\n`,
  );
}
