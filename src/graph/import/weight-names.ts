/**
 * Names of weights that PyTorch's exporters numbered because they computed them of others (`onnx::MatMul_324`, `val_13`,
 * `view_2`):
 * what the nodes that take them tell of the module that they are of.
 *
 * A matrix that was only turned round gets PyTorch's name, and PyTorch's orientation with it. So does a convolution that
 * batch normalisation was folded into, whose bias is numbered, too. Anything else that was computed is not PyTorch's
 * parameter, and keeps its number behind the path of its module.
 */
import type { Tensor } from '../../tensor/tensor.js';
import type { GraphProto, NodeProto } from '../onnx_pb.js';
import type { GivenName } from './foreign-values.js';

/** What PyTorch's exporters call what they computed of weights: after the operator, or after nothing. */
export const isNumbered = (name: string): boolean =>
  /^(?:(?:onnx::\w+|val)_\d+|(?:view|reshape|(?:un)?squeeze|permute|transpose|expand|repeat|cat|stack|index|slice|select|mul|div|add|sub)(?:_\d+)?)$/.test(
    name,
  );

/** The longest name that is given. */
const MAXIMUM_NAME = 1000;

/** The names of numbered weights, by those of the file; what no node tells of keeps its number. */
export function weightNames(
  { node: nodes }: GraphProto,
  initializers: ReadonlyMap<string, Tensor>,
): Map<string, GivenName> {
  const given = new Map<string, GivenName>();
  const taken = new Set(initializers.keys());
  const give = (tensor: string, name: string | undefined, transposed = false): void => {
    if (name === undefined || name.length > MAXIMUM_NAME || taken.has(name)) return;
    taken.add(name);
    given.set(tensor, { name, transposed });
  };
  const users = usersOf(nodes);
  const open = (name: string | undefined): name is string =>
    name !== undefined && isNumbered(name) && isFloat(initializers.get(name)) && !given.has(name);
  for (const node of nodes) {
    const layer = layerOf(node, users, initializers);
    if (layer) {
      const { weight, bias, transposed } = layer;
      const path = pathOf(node);
      // The bias tells more than the path where the exporter left it its name, and did not make it one with an equal one.
      const own = bias !== undefined && users.get(bias)!.length === 1 ? weightBeside(bias, path) : undefined;
      if (open(weight) && (transposed || (bias !== undefined && isNumbered(bias))))
        give(weight, own ?? (path && `${path}.weight`), transposed);
      const found = given.get(weight)?.name ?? weight;
      if (open(bias)) give(bias, found.endsWith('.weight') ? found.replace(/weight$/, 'bias') : undefined);
    }
    for (const name of node.input) {
      // A single number is a setting more often than a weight.
      if (!open(name) || initializers.get(name)!.data.length === 1) continue;
      const path = pathOf(node);
      give(name, path && `${path}.${name}`);
    }
  }
  return given;
}

/** Where a file says in its metadata what its numbered weights are called: one that was given back under their numbers. */
export const WEIGHT_NAMES = 'weight_names';

/** Names by those of the file, as metadata hold them. */
export function namesText(names: ReadonlyMap<string, GivenName>): string {
  return JSON.stringify([...names].map(([own, { name, transposed }]) => [own, name, transposed]));
}

/** The names in such a text; undefined where they are not those of this file. */
export function namesIn(
  text: string | undefined,
  initializers: ReadonlyMap<string, Tensor>,
): Map<string, GivenName> | undefined {
  if (text === undefined) return undefined;
  const names = new Map<string, GivenName>();
  const taken = new Set(initializers.keys());
  try {
    for (const entry of JSON.parse(text) as unknown[]) {
      const [own, name, transposed] = entry as unknown[];
      const tensor = typeof own === 'string' && isNumbered(own) ? initializers.get(own) : undefined;
      if (!isFloat(tensor) || names.has(own as string)) return undefined;
      if (typeof name !== 'string' || !/^[^\p{Cc}]{1,1000}$/u.test(name) || taken.has(name)) return undefined;
      if (typeof transposed !== 'boolean' || (transposed && tensor!.shape.length !== 2)) return undefined;
      taken.add(name);
      names.set(own as string, { name, transposed });
    }
  } catch {
    return undefined;
  }
  return names;
}

const isFloat = (tensor: Tensor | undefined): boolean =>
  tensor?.dtype === 'float32' || tensor?.dtype === 'float64';

const isPlain = ({ domain }: NodeProto): boolean => domain === '' || domain === 'ai.onnx';

/** The nodes that take each value. */
function usersOf(nodes: readonly NodeProto[]): Map<string, NodeProto[]> {
  const users = new Map<string, NodeProto[]>();
  for (const node of nodes) {
    for (const name of node.input) {
      const list = users.get(name);
      if (list) list.push(node);
      else users.set(name, [node]);
    }
  }
  return users;
}

/** The tensors of a layer, and whether PyTorch has its matrix the other way round. */
function layerOf(
  node: NodeProto,
  users: ReadonlyMap<string, readonly NodeProto[]>,
  initializers: ReadonlyMap<string, Tensor>,
): { readonly weight: string; readonly bias: string | undefined; readonly transposed: boolean } | undefined {
  const { opType, input, output, attribute } = node;
  const [, weight, third] = input as (string | undefined)[];
  const shape = weight === undefined ? undefined : initializers.get(weight)?.shape;
  if (!isPlain(node) || weight === undefined || !shape) return undefined;
  const bias = third === undefined || !initializers.has(third) ? undefined : third;
  switch (opType) {
    case 'Conv':
    case 'ConvTranspose':
      return { weight, bias, transposed: false };
    case 'Gemm':
      if (shape.length !== 2) return undefined;
      return { weight, bias, transposed: !attribute.some(({ name, i }) => name === 'transB' && i !== 0n) };
    case 'MatMul': {
      if (shape.length !== 2) return undefined;
      const [next, ...others] = users.get(output[0]) ?? [];
      const shift =
        (next as NodeProto | undefined)?.opType === 'Add' && isPlain(next) && others.length === 0
          ? next.input.find((name) => {
              const found = initializers.get(name)?.shape;
              return found?.length === 1 && found[0] === shape[1];
            })
          : undefined;
      return { weight, bias: shift, transposed: true };
    }
    default:
      return undefined;
  }
}

/** The weight that a bias has beside it; nothing where the node is known to be of another module. */
function weightBeside(bias: string, path: string | undefined): string | undefined {
  const found = /^(.+)\.((?:in_proj_)?)bias$/.exec(bias);
  if (!found) return undefined;
  // `blocks.blocks.0` has the path of `blocks.0`; a module may compute with the weights of one inside it.
  const [, own] = found;
  if (path !== undefined && !`.${own}`.endsWith(`.${path}`) && !own.startsWith(`${path}.`)) return undefined;
  return `${found[1]}.${found[2]}weight`;
}

/**
 * The path of the module that a node is of: `/blocks/blocks.0/attn/qkv/MatMul` is in `blocks.0.attn.qkv`; the newer exporter
 * has a list of paths in the node's metadata, the one before the last being that of the module.
 */
function pathOf({ name, metadataProps }: NodeProto): string | undefined {
  const scopes = metadataProps.find(({ key }) => key === 'pkg.torch.onnx.name_scopes')?.value;
  if (scopes !== undefined) {
    const paths = [...scopes.matchAll(/'([^']*)'/g)].map(([, path]) => path);
    return paths.at(-2) || undefined;
  }
  if (!name.startsWith('/')) return undefined;
  const path: string[] = [];
  for (const part of name.split('/').slice(1, -1)) {
    // A list of modules repeats its own name before theirs.
    if (path.length > 0 && part.startsWith(`${path.at(-1)!}.`)) path.pop();
    path.push(part);
  }
  return path.join('.') || undefined;
}
