import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { browserCases, cases } from './cases.js';
import { parseOptions } from './options.js';

describe('parseOptions', () => {
  it('measures every case by default', () => {
    const options = parseOptions([]);
    assert.equal(options.cases, cases);
    assert.equal(options.profile, undefined);
  });

  it('measures the small cases in a browser, and others where they are asked for', () => {
    assert.equal(parseOptions(['--browser']).cases, browserCases);
    const asked = parseOptions(['--browser', '--cases', 'vit96-32']).cases;
    assert.deepEqual(
      asked.map(({ name }) => name),
      ['vit96-32'],
    );
  });

  it('reads the flags', () => {
    const options = parseOptions(['--cases', 'vit96-128, resnet18-32', '--steps', '5', '--threads', '1']);
    assert.deepEqual(
      options.cases.map(({ name }) => name),
      ['vit96-128', 'resnet18-32'],
    );
    assert.deepEqual([options.steps, options.threads], [5, 1]);
  });
});
