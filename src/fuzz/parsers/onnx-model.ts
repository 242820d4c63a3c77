/** `.onnx` files of other programs, as models: read, and traced for training and inference. */
import { GraphError } from '../../graph/graph.js';
import { modelFromOnnx } from '../../models/file-model.js';
import { mlp } from '../../models/mlp.js';
import { traceAlone } from '../../nn/model.js';
import { OptionError } from '../../tensor/option-error.js';
import { type Tensor, elementCount, sameShape, tensor } from '../../tensor/tensor.js';
import { exportOnnx } from '../../train/export.js';
import { modelTensors } from '../../train/step-graph.js';
import { isPrintable, mutateOnnx } from '../mutate-onnx.js';
import { type OnnxFile, float, localFunction, node, onnxFile, subgraph, tensorProto } from '../onnx-file.js';
import { type FuzzedParser, expect } from '../parser.js';

const int64 = (...values: number[]): Tensor => tensor('int64', [values.length], values);
const floats = (...shape: number[]): Tensor =>
  tensor(
    'float32',
    shape,
    Float32Array.from({ length: elementCount(shape) }, (_, i) => Math.sin(i + 1)),
  );

/** Small files that between them hold what is done to foreign files: arithmetic on shapes, older forms, functions. */
const examples: readonly OnnxFile[] = [
  {
    operatorSet: 11,
    inputs: [{ name: 'x', shape: [1, 3, 8, 8] }],
    outputs: [{ name: 'p', shape: [1, 4] }],
    initializers: {
      'conv.weight': floats(4, 3, 3, 3),
      'bn.weight': floats(4),
      'bn.bias': floats(4),
      'bn.running_mean': floats(4),
      'bn.running_var': tensor('float32', [4], [1, 2, 1, 2]),
      'fc.weight': floats(4, 64),
      shape: int64(1, 64),
    },
    nodes: [
      node('Conv', ['x', 'conv.weight'], ['z'], { auto_pad: 'SAME_LOWER', strides: [2, 2] }),
      node('BatchNormalization', ['z', 'bn.weight', 'bn.bias', 'bn.running_mean', 'bn.running_var'], ['n'], {
        epsilon: float(1e-3),
        momentum: float(0.9),
      }),
      node('Relu', ['n'], ['r']),
      node('Dropout', ['r'], ['d'], { ratio: float(0.25) }),
      node('Unsqueeze', ['d'], ['u'], { axes: [0] }),
      node('Squeeze', ['u'], ['s'], { axes: [0] }),
      node('Reshape', ['s', 'shape'], ['f']),
      node('Gemm', ['f', 'fc.weight'], ['logits'], { transB: 1 }),
      node('Softmax', ['logits'], ['p'], { axis: 1 }),
    ],
  },
  {
    inputs: [{ name: 'x', shape: ['n', 8, 8, 3] }],
    outputs: [{ name: 'y', shape: ['n', 4] }],
    initializers: {
      'onnx::MatMul_1': floats(192, 6),
      'onnx::Add_2': floats(6),
      'onnx::MatMul_3': floats(6, 4),
      scale: tensor('float32', [], [0.5]),
    },
    nodes: [
      node('Mul', ['x', 'scale'], ['scaled']),
      node('Shape', ['scaled'], ['shape']),
      node('Constant', [], ['zero'], { value: tensorProto('', int64(0)) }),
      node('Constant', [], ['one'], { value_ints: [1] }),
      node('Slice', ['shape', 'zero', 'one'], ['count']),
      node('Constant', [], ['rest'], { value: tensorProto('', int64(-1)) }),
      node('Concat', ['count', 'rest'], ['target'], { axis: 0 }),
      node('Reshape', ['scaled', 'target'], ['flat']),
      { ...node('MatMul', ['flat', 'onnx::MatMul_1'], ['product']), name: '/fcs/fcs.0/MatMul' },
      node('Add', ['product', 'onnx::Add_2'], ['sum']),
      node('Greater', ['count', 'zero'], ['many']),
      node('Squeeze', ['many'], ['many too']),
      node('If', ['many too'], ['chosen'], {
        then_branch: subgraph([node('Tanh', ['sum'], ['t'])], ['t']),
        else_branch: subgraph([node('Identity', ['sum'], ['e'])], ['e']),
      }),
      node('Twice', ['chosen'], ['twice'], { axis: 1 }, 'local'),
      { ...node('MatMul', ['twice', 'onnx::MatMul_3'], ['y']), name: '/head/MatMul' },
    ],
    functions: [
      localFunction(
        'Twice',
        ['a'],
        ['c'],
        [node('Add', ['a', 'a'], ['b']), node('Softmax', ['b'], ['c'], { axis: { ref: 'axis' } })],
        ['axis'],
      ),
    ],
    metadata: { class_names: '["a","b","c","d"]' },
  },
  {
    inputs: [{ name: 'x', shape: ['n', 3, 4, 4], dtype: 'uint8' }],
    outputs: [{ name: 'y', shape: ['n', 2], dtype: 'float64' }],
    initializers: {
      scale: tensor('float32', [], [255]),
      mean: tensor('float32', [1, 3, 1, 1], [0.5, 0.4, 0.3]),
      'conv.weight': floats(4, 3, 2, 2),
      'fc.weight': tensor('float64', [4, 2], [1, 2, 3, 4, 5, 6, 7, 8]),
      first: int64(0),
      axes: int64(2, 3),
      two: tensor('int64', [], [2]),
      at: tensor('int64', [], [1]),
      rest: int64(1),
      low: tensor('float32', [], [-1]),
    },
    nodes: [
      node('Cast', ['x'], ['real'], { to: 1 }),
      node('Div', ['real', 'scale'], ['scaled']),
      node('Sub', ['scaled', 'mean'], ['centred']),
      node('Conv', ['centred', 'conv.weight'], ['z']),
      node('SplitToSequence', ['z', 'two'], ['parts'], { axis: 1 }),
      node('SequenceAt', ['parts', 'at'], ['b']),
      node('SequenceConstruct', ['b', 'b'], ['pair']),
      node('ConcatFromSequence', ['pair'], ['joined'], { axis: 1 }),
      node('ReduceMean', ['joined', 'axes'], ['pooled'], { keepdims: 0 }),
      node('Shape', ['pooled'], ['shape'], { start: 0, end: 1 }),
      node('Concat', ['shape', 'rest'], ['column'], { axis: 0 }),
      node('ConstantOfShape', ['column'], ['zeros']),
      node('Greater', ['pooled', 'zeros'], ['positive']),
      node('Where', ['positive', 'pooled', 'low'], ['chosen']),
      node('Cast', ['chosen'], ['double'], { to: 11 }),
      node('MatMul', ['double', 'fc.weight'], ['y']),
    ],
    metadata: { mean: '[0.5,0.4,0.3]', deviation: '[1,1,1]' },
  },
];

/** What `tract export --with-preprocessing` writes: nodes before the model, and metadata that say where it begins. */
function withResizing(): Uint8Array {
  const model = mlp({ width: 4, depth: 1, imageSize: 4, classes: 3 });
  const weights = Object.fromEntries(
    Object.entries(modelTensors(model)).map(([name, { shape }]) => [name, floats(...shape)]),
  );
  const standardization = { mean: [0.5, 0.4, 0.3], deviation: [0.2, 0.3, 0.4] };
  return exportOnnx(model, { weights, standardization }, { resizing: { cover: [5, 5], cut: false } });
}

const seeds = (): Promise<readonly Uint8Array[]> =>
  Promise.resolve([...examples.map(onnxFile), withResizing()]);

export const onnxModel: FuzzedParser = {
  name: 'onnx-model',
  seeds,
  mutate: mutateOnnx,
  read(input) {
    const model = modelFromOnnx(input, { imageSize: 8 });
    const traced = [1, 3].map((images) => traceAlone(model, images, images === 3));
    for (const { logits, images } of traced)
      expect(
        sameShape(logits.shape, [images.shape[0], model.classes]),
        `logits are [${logits.shape.join()}]`,
      );
    const [inference, training] = traced;
    expect(
      [...inference.parameters.keys()].join() === [...training.parameters.keys()].join(),
      'training has other parameters than inference',
    );
  },
  documented: (error) => (error instanceof GraphError || error instanceof OptionError) && isPrintable(error),
};
