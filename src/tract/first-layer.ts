/**
 * Finding the layer that TrAct is for: the one parametrised layer that the image reaches first, through
 * normalisation, padding, reshapes and transposes.
 */
import type { Node, Value } from '../graph/graph.js';
import type { Parameter } from '../nn/scope.js';

/** What may lie between the image and the first layer: it keeps what a pre-activation means. */
const transparent = new Set([
  'Add',
  'Sub',
  'Mul',
  'Div',
  'Cast',
  'Identity',
  'Pad',
  'Reshape',
  'Transpose',
  'Slice',
  'BatchNormalization',
  'tract.BatchNormTraining',
  'LayerNormalization',
]);

/** A layer whose weights TrAct can train. */
export interface FirstLayer {
  /** Its path, such as `conv1`. */
  readonly layer: string;
  /** The tract.Linear or Conv node. */
  readonly node: Node;
  /** The name of its weights, such as `conv1.weight`. */
  readonly weightName: string;
  /** Whether the parameter is [in, out], as files of other programs may have it, and the layer takes its transpose. */
  readonly transposed: boolean;
}

/** No layer can be chosen; the message says why and what to do. */
export class FirstLayerError extends Error {
  override name = 'FirstLayerError';
  /** Whether naming a layer (`layer` of `tract`) is a way out. */
  readonly canBeNamed: boolean;

  constructor(message: string, canBeNamed = false) {
    super(message);
    this.canBeNamed = canBeNamed;
  }
}

interface Candidate extends FirstLayer {
  /** How many nodes use the weights. */
  readonly users: number;
}

/** All linear layers and convolutions with a trained weight, in the order of the graph. */
function candidates(nodes: readonly Node[], parameters: ReadonlyMap<string, Parameter>): Candidate[] {
  const names = new Map([...parameters].map(([name, { value }]) => [value, name]));
  const users = new Map<Value, number>();
  for (const { inputs } of nodes) {
    // A node counts once, however often it uses a value.
    for (const input of new Set(inputs)) if (input) users.set(input, (users.get(input) ?? 0) + 1);
  }
  return nodes.flatMap((node) => {
    const weight = node.inputs[1];
    if (!weight || (node.opType !== 'Conv' && node.opType !== 'Linear')) return [];
    const source = transposedFrom(weight);
    const weightName = names.get(source ?? weight);
    if (weightName === undefined) return [];
    // What has no path, as in files of other programs, is known by the name of its weights.
    const layer = weightName.slice(0, Math.max(weightName.lastIndexOf('.'), 0)) || weightName;
    const count = users.get(weight)! + (source ? users.get(source)! - 1 : 0);
    return [{ layer, node, weightName, transposed: source !== undefined, users: count }];
  });
}

/** The matrix that a value is the transpose of. */
function transposedFrom({ producer }: Value): Value | undefined {
  const [matrix] = producer?.inputs ?? [];
  return producer?.opType === 'Transpose' && matrix?.shape.length === 2 ? matrix : undefined;
}

/** @throws FirstLayerError where the layer shares its weights: their gradient has no single input to go with it */
function withWeightsOfItsOwn({ users, ...layer }: Candidate): FirstLayer {
  if (users === 1) return layer;
  throw new FirstLayerError(
    `the weights ${layer.weightName} are used ${users} times, but TrAct needs a layer with weights of its own`,
  );
}

/**
 * The layer with the given weights, and whether it takes their transpose.
 *
 * @param parameters the trained parameters by their names
 * @throws FirstLayerError where no linear layer or convolution has them, or several do
 */
export function layerOf(
  weightName: string,
  nodes: readonly Node[],
  parameters: ReadonlyMap<string, Value>,
): { readonly node: Node; readonly transposed: boolean } {
  const weight = parameters.get(weightName);
  const users = nodes.filter(({ inputs }) => weight && inputs.includes(weight));
  const [user] = users;
  const transposed = users.length === 1 && user.opType === 'Transpose' && weight?.shape.length === 2;
  const layers = transposed ? nodes.filter(({ inputs }) => inputs.includes(user.outputs[0])) : users;
  const [node] = layers;
  const given = transposed ? user.outputs[0] : weight;
  if (layers.length === 1 && node.inputs[1] === given && ['Conv', 'Linear'].includes(node.opType))
    return { node, transposed };
  throw new FirstLayerError(
    `TrAct needs a linear layer or a convolution with weights of its own, and "${weightName}" are none`,
  );
}

/** How many layers a message names. */
const MOST_NAMED = 100;

/** Paths of layers, in words. */
function listed(layers: readonly FirstLayer[]): string {
  const more = layers.length - MOST_NAMED;
  const names = layers.slice(0, MOST_NAMED).map(({ layer }) => layer);
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** The layers to choose from, in words. */
function paths(layers: readonly Candidate[]): string {
  return listed(layers.filter(({ users }) => users === 1));
}

/** The layer of the given path or weight name. */
export function namedLayer(
  name: string,
  nodes: readonly Node[],
  parameters: ReadonlyMap<string, Parameter>,
): FirstLayer {
  const layers = candidates(nodes, parameters);
  const found = layers.find(({ layer, weightName }) => name === layer || name === weightName);
  if (found) return withWeightsOfItsOwn(found);
  throw new FirstLayerError(`there is no linear layer or convolution "${name}"; there are ${paths(layers)}`);
}

/**
 * The layer that the image reaches first.
 *
 * @throws FirstLayerError where there is no such layer, or more than one
 */
export function firstLayer(
  image: Value,
  nodes: readonly Node[],
  parameters: ReadonlyMap<string, Parameter>,
): FirstLayer {
  const layers = candidates(nodes, parameters);
  const byNode = new Map(layers.map((layer) => [layer.node, layer]));
  const reached = new Set<Value>([image]);
  const found: FirstLayer[] = [];
  for (const node of nodes) {
    if (!node.inputs.some((input) => input && reached.has(input))) continue;
    const layer = byNode.get(node);
    const operator = node.domain === '' ? node.opType : `${node.domain}.${node.opType}`;
    if (layer && reached.has(node.inputs[0]!)) found.push(withWeightsOfItsOwn(layer));
    else if (transparent.has(operator)) node.outputs.forEach((output) => reached.add(output));
    else {
      const place = node.scope === '' ? '' : ` in ${node.scope}`;
      throw new FirstLayerError(
        `before any linear layer or convolution the image reaches ${node.opType}${place}, which TrAct cannot look through; name the layer it is for, one of ${paths(layers)}`,
        true,
      );
    }
  }
  if (found.length === 1) return found[0];
  if (found.length === 0)
    throw new FirstLayerError('the image reaches no linear layer or convolution with weights of its own');
  throw new FirstLayerError(
    `the image reaches ${found.length} layers at once (${listed(found)}); name the one TrAct is for`,
    true,
  );
}
