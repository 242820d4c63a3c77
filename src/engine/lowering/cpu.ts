/**
 * The lowering for ONNX Runtime's native CPU provider: blocked layout wherever it fits, the plain forms elsewhere.
 */
import type { Node, Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import type { Rewrite, Rewrites } from '../../graph/rewrite.js';
import * as convolution from './blocked-convolution.js';
import * as normalization from './blocked-normalization.js';
import * as pooling from './blocked-pooling.js';
import { portable } from './portable.js';

/** Gives a node's results, or undefined where it does not apply. */
type Attempt = (inputs: readonly (Value | null)[], node: Node) => readonly Value[] | Value | undefined;

/** The attempt where it applies, else the plain form, else the node as it is. */
function orPlain(operator: string, attempt: Attempt): [string, Rewrite] {
  const otherwise: Rewrite =
    portable.get(operator) ??
    ((inputs, { opType, attributes, outputs, domain }) =>
      outputs[0] && inputs.find((input) => input)!.graph.add(opType, inputs, attributes, outputs, domain));
  return [
    operator,
    (inputs, node) => {
      const results = attempt(inputs, node);
      if (!results) return otherwise(inputs, node);
      return 'graph' in results ? [results] : results;
    },
  ];
}

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
