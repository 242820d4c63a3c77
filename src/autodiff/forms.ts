/**
 * The forms of the operators that the backward rules are for: those that the builders make. ONNX has more of many
 * operators (a dilated MaxPool, a Pad that reflects), and a file may hold them; their gradient is an error, not that of
 * another form.
 */
import { type Attribute, attributesKey, int, string } from '../graph/attributes.js';
import { GraphError, type Node, describe, operatorName } from '../graph/graph.js';

interface Form {
  /** The attributes that the node has, all of them, with their type or the values that are covered. */
  readonly attributes?: Readonly<Record<string, Attribute['type'] | Attribute | readonly Attribute[]>>;
  /** Those of them that may be left out. */
  readonly optional?: readonly string[];
  /** Inputs that have to be constant int64s. */
  readonly constants?: readonly number[];
  /** Least and greatest number of dimensions of the first input. */
  readonly ranks?: readonly [number, number];
  /** Greatest number of inputs. */
  readonly inputs?: number;
}

const kernel = { kernel_shape: 'ints', strides: 'ints', pads: 'ints' } as const;
const convolution: Form = { attributes: { ...kernel, dilations: 'ints', group: 'int' }, ranks: [3, 5] };
const pooling: Form = {
  attributes: { ...kernel, storage_order: int(0), dilations: 'ints', ceil_mode: 'int' },
  optional: ['dilations', 'ceil_mode'],
  ranks: [3, 5],
};
const reduction: Form = { attributes: { keepdims: 'int' }, constants: [1] };
const alongAxis: Form = { attributes: { axis: 'int' } };

/** Pad's modes. */
const padModes = ['constant', 'reflect', 'edge', 'wrap'] as const;
/** What scattering may do to elements. */
const reductions = ['none', 'add', 'mul', 'min', 'max'].map(string);

/** Operators that are not here have no attributes. */
const forms: ReadonlyMap<string, Form> = new Map<string, Form>([
  ['LeakyRelu', { attributes: { alpha: 'float' } }],
  ['Elu', { attributes: { alpha: 'float' } }],
  ['Selu', { attributes: { alpha: 'float', gamma: 'float' } }],
  ['Celu', { attributes: { alpha: 'float' } }],
  ['ThresholdedRelu', { attributes: { alpha: 'float' } }],
  ['HardSigmoid', { attributes: { alpha: 'float', beta: 'float' } }],
  ['Shrink', { attributes: { lambd: 'float', bias: 'float' } }],
  ['Mod', { attributes: { fmod: int(1) } }],
  ['Gelu', { attributes: { approximate: 'string' } }],
  ['Cast', { attributes: { to: 'int' } }],
  [
    'Gemm',
    {
      attributes: { transA: 'int', transB: 'int', alpha: 'float', beta: 'float' },
      optional: ['transA', 'transB', 'alpha', 'beta'],
    },
  ],
  ['Conv', convolution],
  ['tract.ConvGradInput', convolution],
  ['tract.ConvGradWeight', convolution],
  ['ConvTranspose', { ...convolution, attributes: { ...convolution.attributes, output_padding: 'ints' } }],
  ['MaxPool', pooling],
  ['tract.MaxPoolGrad', pooling],
  [
    'AveragePool',
    {
      attributes: { ...kernel, count_include_pad: 'int', dilations: 'ints' },
      optional: ['dilations'],
      ranks: [3, 5],
    },
  ],
  ['BatchNormalization', { attributes: { epsilon: 'float' } }],
  ['tract.BatchNormTraining', { attributes: { epsilon: 'float' } }],
  ['LayerNormalization', { attributes: { axis: int(-1), epsilon: 'float' } }],
  ['ReduceSum', reduction],
  ['ReduceMean', reduction],
  ['ReduceMax', reduction],
  ['ReduceMin', reduction],
  ['ReduceProd', reduction],
  ['ReduceL1', reduction],
  ['ReduceL2', reduction],
  ['ReduceLogSum', reduction],
  ['ReduceLogSumExp', reduction],
  ['ReduceSumSquare', reduction],
  ['CumSum', { attributes: { exclusive: 'int', reverse: 'int' }, constants: [1] }],
  ['TopK', { attributes: { axis: 'int', largest: 'int', sorted: 'int' }, constants: [1] }],
  ['Softmax', alongAxis],
  ['LogSoftmax', alongAxis],
  ['Concat', alongAxis],
  ['Split', { attributes: { axis: 'int', num_outputs: 'int' }, optional: ['num_outputs'] }],
  ['Transpose', { attributes: { perm: 'ints' } }],
  ['Slice', { constants: [1, 2, 3, 4] }],
  // The third input is the value to pad with; a fourth would choose axes.
  ['Pad', { attributes: { mode: padModes.map(string) }, constants: [1], inputs: 3 }],
  ['Einsum', { attributes: { equation: 'string' } }],
  ['Tile', { constants: [1] }],
  [
    'Resize',
    {
      attributes: {
        mode: 'string',
        coordinate_transformation_mode: 'string',
        nearest_mode: 'string',
        cubic_coeff_a: 'float',
        exclude_outside: 'int',
        antialias: 'int',
        extrapolation_value: 'float',
        axes: 'ints',
        keep_aspect_ratio_policy: ['not_larger', 'not_smaller'].map(string),
      },
      optional: ['axes', 'keep_aspect_ratio_policy'],
    },
  ],
  ['GridSample', { attributes: { mode: 'string', padding_mode: 'string', align_corners: 'int' } }],
  ['Trilu', { attributes: { upper: 'int' }, constants: [1] }],
  ['EyeLike', { attributes: { dtype: 'int', k: 'int' } }],
  ['Gather', alongAxis],
  ['GatherElements', alongAxis],
  ['ScatterElements', { attributes: { axis: 'int', reduction: reductions } }],
  ['GatherND', { attributes: { batch_dims: 'int' } }],
  ['ScatterND', { attributes: { reduction: reductions } }],
]);

/**
 * Refuses a node in a form that the rule for its operator does not cover.
 *
 * @throws GraphError naming the operator and what is not covered
 */
export function checkForm(node: Node): void {
  const {
    attributes = {},
    optional = [],
    constants = [],
    ranks,
    inputs,
  } = forms.get(operatorName(node)) ?? {};
  const refuse = (what: string): never => {
    throw new GraphError(`grad: the backward rule for ${operatorName(node)} ${what}`);
  };
  for (const [name, attribute] of Object.entries(node.attributes)) {
    const covered = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
    const fits =
      typeof covered === 'string'
        ? attribute.type === covered
        : covered &&
          [covered].flat().some((value) => attributesKey({ value }) === attributesKey({ value: attribute }));
    if (!fits) refuse(`does not cover the attribute ${name} = ${String(attribute.value)}`);
  }
  for (const name of Object.keys(attributes))
    if (!Object.hasOwn(node.attributes, name) && !optional.includes(name))
      refuse(`needs the attribute ${name}`);
  for (const input of constants)
    if (node.inputs[input]?.constant?.dtype !== 'int64') refuse(`needs its input ${input} to be constant`);
  const [first] = node.inputs;
  const rank = first?.shape.length ?? 0;
  if (ranks && (rank < ranks[0] || rank > ranks[1]))
    refuse(`is for ${ranks.join(' to ')} dimensions, not ${first ? describe(first) : 'none'}`);
  if (inputs !== undefined && node.inputs.length > inputs)
    refuse(`is for ${inputs} inputs, not ${node.inputs.length}`);
}
