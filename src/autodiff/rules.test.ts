import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { portable } from '../engine/lowering/portable.js';
import { Graph, TRACT_DOMAIN, operatorName } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { toNumbers, zeros } from '../tensor/tensor.js';
import { casesByBuilder, coverage, gradientCases } from '../testing/gradient-cases/all.js';
import type { GradientCase } from '../testing/gradient-cases/case.js';
import { type WithoutGradient, notOperators, withoutGradient } from '../testing/gradient-cases/without.js';
import { broadcasts, missed, operatorsOf } from '../testing/gradient-coverage.js';
import { checkGradients } from '../testing/gradients.js';
import { runGraph } from '../testing/run.js';
import { grad } from './grad.js';
import { backwardRules } from './rules.js';

/** The first case of each builder also with its inputs broadcast, wherever the builder takes them so. */
const allCases: readonly GradientCase[] = [
  ...gradientCases,
  ...Object.values(casesByBuilder).flatMap(([first]) => broadcasts(first)),
];

/** Operators whose backward pass an engine may lower in a way of its own. */
const isLowered = (operator: string): boolean =>
  operator.startsWith(`${TRACT_DOMAIN}.`) || operator === 'Conv' || operator === 'MaxPool';

describe('the gradient checks are complete:', () => {
  test('every export of ops is checked, has no gradient, or is no operator', () => {
    assert.deepEqual(Object.keys(op).sort(), Object.keys(coverage).sort());
    const lists = [casesByBuilder, withoutGradient, notOperators];
    assert.deepEqual(lists.flatMap((list) => Object.keys(list)).sort(), Object.keys(coverage).sort());
  });

  test('the cases of a builder differentiate its operator', () => {
    const names: Record<string, string> = {
      matrixTranspose: 'Transpose',
      mean: 'Sum',
      channelsFirst: 'Transpose',
      lpPool: 'AveragePool',
      attention: 'Softmax',
      lrn: 'AveragePool',
      lpNormalization: 'Div',
      groupNormalization: 'LayerNormalization',
      instanceNormalization: 'LayerNormalization',
      lpNorm: 'ReduceSum',
      cumProd: 'Mul',
      flatten: 'Reshape',
      squeeze: 'Reshape',
      unsqueeze: 'Reshape',
      depthToSpace: 'Transpose',
      spaceToDepth: 'Transpose',
      oneHot: 'Where',
      scatterAdd: 'ScatterElements',
      sumTo: 'ReduceSum',
    };
    for (const [builder, cases] of Object.entries(casesByBuilder)) {
      const name = names[builder] ?? builder[0].toUpperCase() + builder.slice(1);
      const operators = operatorsOf(cases);
      assert.ok(operators.has(name) || operators.has(`${TRACT_DOMAIN}.${name}`), `${builder}: no ${name}`);
    }
  });

  test('they pass every input and every result of every rule', () => {
    assert.deepEqual(missed(backwardRules, gradientCases), []);
  });

  test('a rule, an input or a result that is not checked is found', () => {
    const without = (word: string): readonly string[] =>
      missed(
        backwardRules,
        gradientCases.filter(({ name }) => !name.includes(word)),
      );
    assert.deepEqual(without('Erf'), ['Erf has no case']);
    assert.deepEqual(without('Linear over'), ['tract.Linear has no case']);
    const variance = gradientCases.filter(({ name }) => !/its variance|, all results/.test(name));
    assert.ok(missed(backwardRules, variance).includes('tract.BatchNormTraining: result 2'));
    const statistics = gradientCases.filter(
      ({ name }) => !name.startsWith('BatchNormalization') || name.includes('fixed'),
    );
    assert.deepEqual(missed(backwardRules, statistics), [
      'BatchNormalization: input 3',
      'BatchNormalization: input 4',
    ]);
  });

  test('operators that broadcast are checked with each input broadcast', () => {
    const names = allCases.map(({ name }) => name).filter((name) => name.includes('broadcast from'));
    for (const builder of ['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Where', 'MatMul'])
      for (const input of [0, 1])
        assert.ok(
          names.some((name) => name.startsWith(builder) && name.includes(`input ${input} broadcast from`)),
          `${builder}, input ${input}`,
        );
  });
});

describe('backward rules agree with central differences', () => {
  for (const check of allCases) {
    test(check.name, () => checkGradients(check.build, check.shapes, check));
  }
});

describe('so they do in the portable lowering', () => {
  for (const check of allCases) {
    if (![...operatorsOf([check]).keys()].some(isLowered)) continue;
    test(check.name, () => checkGradients(check.build, check.shapes, { ...check, rewrites: portable }));
  }
});

describe('an operator without a gradient says so', () => {
  for (const [builder, { reason, shapes, build }] of Object.entries<WithoutGradient>(withoutGradient)) {
    test(`${builder}: ${reason}`, async () => {
      const graph = new Graph();
      const inputs = shapes.map((shape, i) => graph.input(`x${i}`, 'float32', shape));
      const result = build(...inputs);
      const values = op.cast(result, 'float32');
      const loss = op.reduceSum(
        values,
        values.shape.map((_, axis) => axis),
      );
      if (result.dtype !== 'bool') {
        const name = operatorName(result.producer!).replaceAll('.', '\\.');
        assert.throws(() => grad(loss, inputs), { name: 'GraphError', message: new RegExp(`\\b${name}\\b`) });
        return;
      }
      // Nothing flows through a comparison.
      grad(loss, inputs).forEach((gradient, i) => {
        graph.output(`gradient${i}`, gradient);
      });
      const feeds = Object.fromEntries(shapes.map((shape, i) => [`x${i}`, zeros('float32', shape)]));
      for (const gradient of Object.values(await runGraph(graph, feeds)))
        assert.ok(toNumbers(gradient).every((value) => value === 0));
    });
  }
});
