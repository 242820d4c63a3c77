/** Learning rates that fall from the head of a model to its first layer. */
import { type Model, traceAlone } from '../nn/model.js';
import { OptionError } from '../tensor/option-error.js';
import type { ParameterGroup } from './groups.js';

/**
 * Layer-wise learning rate decay (Howard and Ruder, 2018; Clark et al., 2020): the last block of a model has the learning
 * rate as it is, and every block before it `decay` times that of the one behind it. What was learned first changes least.
 *
 * A block is what the names of parameters have up to their first number (`blocks.3`, `layer1.0`), or a layer where they have
 * none; blocks are in the order in which the model uses them.
 *
 * @param decay above 0 and at most 1, such as 0.75
 * @returns a group for each block, for `Trainer.create`
 * @throws OptionError for a decay out of range
 */
export function layerDecay(model: Model, decay: number): ParameterGroup[] {
  if (!(decay > 0 && decay <= 1))
    throw new OptionError(`layerDecay: the decay must be above 0 and at most 1, not ${decay}`);
  const { graph, parameters } = traceAlone(model, 1, true);
  const names = new Map([...parameters].map(([name, { value }]) => [value, name]));
  const blocks = new Map<string, Set<string>>();
  const add = (name: string): void => {
    const block = blockOf(name);
    const members = blocks.get(block);
    if (members) members.add(name);
    else blocks.set(block, new Set([name]));
  };
  for (const { inputs } of graph.nodes) {
    for (const input of inputs) {
      const name = input ? names.get(input) : undefined;
      if (name !== undefined) add(name);
    }
  }
  const last = blocks.size - 1;
  return [...blocks.values()].map((members, position) => ({
    parameters: ({ name }) => members.has(name),
    learningRateFactor: decay ** (last - position),
  }));
}

/** The part of a model that a parameter is of, by its name. */
function blockOf(name: string): string {
  const numbered = /^.*?\.\d+(?=\.)/.exec(name);
  return numbered ? numbered[0] : name.slice(0, Math.max(name.lastIndexOf('.'), 0)) || name;
}
