import { describe, test } from 'node:test';
import * as op from '../../graph/ops.js';
import {
  convolutionCases,
  hostConv,
  hostConvGradInput,
  hostConvGradWeight,
  hostConvGram,
  hostPatches,
  resultShape,
} from '../../testing/convolution.js';
import { lowerings } from '../../testing/lowerings.js';
import { assertClose, evaluate, randomTensor } from '../../testing/run.js';

/** Sums of a few hundred products in float32. */
const TOLERANCE = 1e-5;

for (const [name, rewrites] of Object.entries(lowerings)) {
  describe(`in the lowering ${name}, of a convolution`, () => {
    for (const geometry of convolutionCases) {
      const { options } = geometry;
      const x = randomTensor('float32', geometry.x, 1);
      const weight = randomTensor('float32', geometry.weight, 2);
      const gradZ = randomTensor('float32', resultShape(geometry), 3);

      test(`${geometry.name}: the result`, async () => {
        const z = await evaluate([x, weight], (...inputs) => op.conv(inputs[0], inputs[1], null, options), {
          rewrites,
        });
        assertClose(z, hostConv(geometry, x, weight), TOLERANCE);
      });

      test(`${geometry.name}: the gradient towards the image`, async () => {
        const gradX = await evaluate(
          [gradZ, weight],
          (...inputs) => op.convGradInput(inputs[0], inputs[1], geometry.x, options),
          { rewrites },
        );
        assertClose(gradX, hostConvGradInput(geometry, gradZ, weight), TOLERANCE);
      });

      test(`${geometry.name}: the gradient towards the weight`, async () => {
        const gradWeight = await evaluate(
          [x, gradZ],
          (...inputs) => op.convGradWeight(inputs[0], inputs[1], geometry.weight, options),
          { rewrites },
        );
        assertClose(gradWeight, hostConvGradWeight(geometry, x, gradZ), TOLERANCE);
      });

      test(`${geometry.name}: the Gram matrix of the patches`, async () => {
        const gram = await evaluate([x], (input) => op.convGram(input, geometry.weight.slice(2), options), {
          rewrites,
        });
        assertClose(gram, hostConvGram(geometry, x), TOLERANCE);
      });

      test(`${geometry.name}: the patches`, async () => {
        const kernel = geometry.weight.slice(2);
        const columns = await evaluate([x], (input) => op.convPatches(input, kernel, options), { rewrites });
        assertClose(columns, hostPatches(geometry, x), 0);
      });
    }
  });
}
