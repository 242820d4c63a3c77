import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { portable } from '../engine/lowering/portable.js';
import { Graph, TRACT_DOMAIN, type Value } from '../graph/graph.js';
import { checkGradients } from '../testing/gradients.js';
import { gradientCases } from '../testing/gradient-cases/all.js';
import type { GradientCase } from '../testing/gradient-cases/case.js';
import { backwardRules } from './rules.js';

/** The operators that a case's gradient runs through: those that depend on one of its inputs. */
function operators({ build, shapes, dtype = 'float64' }: GradientCase): Set<string> {
  const graph = new Graph();
  const inputs = shapes.map((shape, i) => graph.input(`x${i}`, dtype, shape));
  build(...inputs);
  const reached = new Set<Value>(inputs);
  const found = new Set<string>();
  for (const { opType, domain, inputs: operands, outputs } of graph.nodes) {
    if (!operands.some((operand) => operand && reached.has(operand))) continue;
    for (const output of outputs) reached.add(output);
    found.add(domain === '' ? opType : `${domain}.${opType}`);
  }
  return found;
}

/** Operators whose backward pass an engine may lower in a way of its own. */
const isLowered = (operator: string): boolean =>
  operator.startsWith(`${TRACT_DOMAIN}.`) || operator === 'Conv' || operator === 'MaxPool';

test('every backward rule has a gradient check', () => {
  const checked = new Set(gradientCases.flatMap((check) => [...operators(check)]));
  assert.deepEqual(
    [...backwardRules.keys()].filter((name) => !checked.has(name)),
    [],
  );
});

describe('backward rules agree with central differences', () => {
  for (const check of gradientCases) {
    test(check.name, () => checkGradients(check.build, check.shapes, check));
  }
});

describe('so they do in the portable lowering', () => {
  for (const check of gradientCases) {
    if (![...operators(check)].some(isLowered)) continue;
    test(check.name, () => checkGradients(check.build, check.shapes, { ...check, rewrites: portable }));
  }
});
