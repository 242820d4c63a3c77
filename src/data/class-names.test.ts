import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkClassNames } from './class-names.js';
import { DataError } from './data-error.js';

const check = (trained: readonly string[], classNames: readonly string[]) => (): void => {
  checkClassNames(trained, { name: 'photos', classNames }, 'the model');
};

test('a model is for the classes that it was trained on, in their order', () => {
  check(['cat', 'dog'], ['cat', 'dog'])();
  assert.throws(
    check(['cat', 'dog'], ['cat', 'fox']),
    new DataError(
      'photos has other classes than the model was trained on: class 1 is "fox", not "dog". Use the dataset it was trained on.',
    ),
  );
  assert.throws(check(['cat', 'dog'], ['dog', 'cat']), /the classes in another order .* class 0 is "dog"/);
  assert.throws(check(['cat', 'dog'], ['cat']), /photos has 1 classes, but the model was trained on 2/);
  assert.throws(check(['cat'], ['cat', 'dog']), /photos has 2 classes, but the model was trained on 1/);
});
