/** `tract models`. */
import { createModel, models } from '../models/registry.js';
import { short } from './format.js';
import { print, printJson, printTable } from './terminal.js';
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
    for (const row of rows) printJson({ event: 'model', ...row });
    return;
  }
  const cells = rows.map(({ name, parameters, imageSize, description }) => [
    name,
    short(parameters),
    String(imageSize),
    description,
  ]);
  printTable([['name', 'parameters', 'pixels', 'description'], ...cells], { left: [0, 3] });
  print(
    "Parameters are those for 10 classes; pixels is the default height and width, which training sets to the dataset's.",
  );
}
