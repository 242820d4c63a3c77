/**
 * How a file standardises pixels. One that takes bytes does so itself, which is then left to who trains it; one that
 * `tract export` wrote says in its metadata how they were standardised.
 */
import { GraphError } from '../graph/graph.js';
import { Graph } from '../graph/graph.js';
import { type ForeignModel, valueOf } from '../graph/import/foreign-model.js';
import type { ForeignValue } from '../graph/import/foreign-values.js';
import { importGraph } from '../graph/import/import-graph.js';
import { quote } from '../tensor/shorten.js';
import { type Tensor, elementCount } from '../tensor/tensor.js';
import type { FileStandardization } from './file-model-options.js';

/** Where pixels are standardised in a file, and how. */
export interface Standardized {
  /** The value of the file that holds them; its input, where that takes them standardised. */
  readonly value: string;
  readonly standardization: FileStandardization | undefined;
}

/** The value behind the resizing of a file that `tract export --with-preprocessing` wrote. */
export function resizedIn({ metadata, graph }: ForeignModel, input: ForeignValue): ForeignValue | undefined {
  if (!Object.hasOwn(metadata, 'resizing') || input.dtype !== 'uint8') return undefined;
  let name: unknown;
  try {
    ({ images: name } = JSON.parse(metadata.resizing) as { images?: unknown });
  } catch {
    return undefined;
  }
  const value = graph.valueInfo.find((one) => one.name === name);
  const found = value && valueOf(value);
  return found?.dtype === 'uint8' && found.shape?.length === 4 ? found : undefined;
}

/** Nodes that a pixel goes through before it is what the first layer sees. */
const MOST_NODES = 10;

/** How far the metadata may be from what the file computes in float32. */
const TOLERANCE = 1e-4;

/**
 * Finds where pixels are standardised.
 *
 * @throws GraphError for a file that takes bytes and does other things with them than one factor and one shift a channel
 */
export function standardizedIn(
  file: ForeignModel,
  input: ForeignValue,
  channels: number,
  layout: 'NCHW' | 'NHWC',
): Standardized {
  const told = inMetadata(file, channels);
  if (input.dtype !== 'uint8') return { value: input.name, standardization: told };
  const { value, factor, shift } = affineBehind(file, input, channels, layout);
  // y = factor · p + shift = (p / 255 - mean) / deviation
  const deviation = factor.map((a) => 1 / (255 * a));
  const mean = shift.map((b, i) => -b * deviation[i]);
  if (![...mean, ...deviation].every(Number.isFinite) || deviation.some((d) => d <= 0))
    throw new GraphError(`${quote(input.name)} takes bytes, which the file does not standardise`);
  const close = (a: readonly number[], b: readonly number[]): boolean =>
    a.every((x, i) => Math.abs(x - b[i]) <= TOLERANCE);
  const same = told && close(told.mean, mean) && close(told.deviation, deviation);
  return { value, standardization: same ? told : { mean, deviation } };
}

/** Follows the pixels through additions and products with constants. */
function affineBehind(
  file: ForeignModel,
  input: ForeignValue,
  channels: number,
  layout: 'NCHW' | 'NHWC',
): { readonly value: string; readonly factor: number[]; readonly shift: number[] } {
  const factor = Array<number>(channels).fill(1);
  const shift = Array<number>(channels).fill(0);
  let value = input.name;
  let real = false;
  for (let i = 0; i < MOST_NODES; i++) {
    const users = file.graph.node.filter((node) => node.input.includes(value));
    const [node] = users;
    if (users.length !== 1 || node.domain !== '' || node.output.length !== 1) break;
    if (node.opType === 'Cast') real = true;
    else {
      const at = node.input.indexOf(value);
      const apply = node.input.length === 2 ? affine.get(`${node.opType}${at}`) : undefined;
      const operand =
        apply && real ? perChannel(constantIn(file, node.input[1 - at]), channels, layout) : undefined;
      if (!apply || !operand) break;
      operand.forEach((x, channel) => {
        [factor[channel], shift[channel]] = apply(factor[channel], shift[channel], x);
      });
    }
    [value] = node.output;
  }
  if (!real)
    throw new GraphError(
      `${quote(input.name)} takes bytes, and the first that the file does is not to make them float32 and standardise them; export it without its preprocessing`,
    );
  return { value, factor, shift };
}

type Apply = (factor: number, shift: number, x: number) => [number, number];

/** By the operator, and which of its inputs the pixels are. */
const affine: ReadonlyMap<string, Apply> = new Map<string, Apply>([
  ['Add0', (a, b, x) => [a, b + x]],
  ['Add1', (a, b, x) => [a, b + x]],
  ['Sub0', (a, b, x) => [a, b - x]],
  ['Mul0', (a, b, x) => [a * x, b * x]],
  ['Mul1', (a, b, x) => [a * x, b * x]],
  ['Div0', (a, b, x) => [a / x, b / x]],
]);

/** A value that depends on nothing; undefined where it does. */
function constantIn(file: ForeignModel, name: string): Tensor | undefined {
  try {
    const { outputs } = importGraph(file, {
      graph: new Graph(),
      inputs: new Map(),
      outputs: [name],
      constants: () => true,
      weight: unexpected,
      batchNorm: unexpected,
      dropout: unexpected,
    });
    return outputs.get(name)?.constant;
  } catch (error) {
    if (error instanceof GraphError) return undefined;
    throw error;
  }
}

function unexpected(): never {
  throw new GraphError('it is no constant');
}

/** One number for each channel, of a constant that broadcasts over the pixels of one. */
function perChannel(
  constant: Tensor | undefined,
  channels: number,
  layout: 'NCHW' | 'NHWC',
): number[] | undefined {
  if (!constant) return undefined;
  const { shape, data } = constant;
  const axis = shape.length - (layout === 'NCHW' ? 3 : 1);
  if (elementCount(shape) === 1) return Array<number>(channels).fill(Number(data[0]));
  return data.length === channels && shape[axis] === channels ? Array.from(data, Number) : undefined;
}

function inMetadata({ metadata }: ForeignModel, channels: number): FileStandardization | undefined {
  const list = (key: string): number[] | undefined => {
    if (!Object.hasOwn(metadata, key)) return undefined;
    try {
      const found: unknown = JSON.parse(metadata[key]);
      return Array.isArray(found) && found.length === channels && found.every((x) => Number.isFinite(x))
        ? (found as number[])
        : undefined;
    } catch {
      return undefined;
    }
  };
  const [mean, deviation] = [list('mean'), list('deviation')];
  const possible =
    mean?.every((x) => x >= 0 && x <= 1) === true && deviation?.every((x) => x > 0 && x <= 1) === true;
  return possible ? { mean, deviation } : undefined;
}
