/**
 * The lowering for ONNX Runtime's native CPU provider: blocked layout wherever it fits, the plain forms elsewhere.
 */
import type { Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import type { Rewrites } from '../../graph/rewrite.js';
import * as convolution from './blocked-convolution.js';
import * as normalization from './blocked-normalization.js';
import * as pooling from './blocked-pooling.js';
import { orPlain } from './or-plain.js';
import { portable } from './portable.js';

/**
 * @param block channels in a block of the runtime's blocked layout, as `blockSize` finds it
 */
export function blockedCpu(block: number): Rewrites {
  return new Map([
    ...portable,
    orPlain('Conv', ([x, weight, bias], node) => convolution.conv(x!, weight!, bias, node, block)),
    orPlain('tract.ConvGradInput', ([g, weight], node) =>
      convolution.convGradInput(g!, weight!, node, block),
    ),
    orPlain('tract.ConvGradWeight', ([x, g], node) => convolution.convGradWeight(x!, g!, node, block)),
    orPlain('tract.BatchNormTraining', ([x, scale, bias], node) =>
      normalization.batchNormTraining(x!, scale!, bias!, node, block),
    ),
    orPlain('tract.BatchNormTrainingGrad', (inputs, node) =>
      normalization.batchNormTrainingGrad(inputs as Value[], node, block),
    ),
    orPlain('BatchNormalization', (inputs, node) =>
      normalization.batchNormalization(inputs as Value[], node, block),
    ),
    orPlain('Relu', ([x]) => normalization.relu(x!)),
    orPlain('Add', ([a, b]) => normalization.add(a!, b!, block)),
    orPlain('MaxPool', ([x], node) => {
      const values = pooling.maxPool(x!, node, block);
      // Nobody needs the indices but the plain gradient; unused, the node that computes them is dead.
      return values && [values, op.maxPool(x!, op.poolingGeometryOf(node)).indices];
    }),
    orPlain('tract.MaxPoolGrad', ([g, x], node) => pooling.maxPoolGrad(g!, x!, node, block)),
    orPlain('tract.ReluGrad', ([g, y]) => normalization.reluGrad(g!, y!, block)),
  ]);
}
