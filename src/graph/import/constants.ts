/** Constants of a file as tensors. */
import { type Tensor, sameShape, tensor } from '../../tensor/tensor.js';
import { GraphError } from '../graph.js';
import type { AttributeReader } from './attribute-reader.js';
import { readTensor } from './file-tensor.js';

/** What a node "Constant" holds, in whichever of its attributes. */
export function constantAttribute(attributes: AttributeReader): Tensor {
  const value = attributes.tensor('value');
  if (value) return readTensor(value, 'its value');
  const int = attributes.bigint('value_int');
  if (int !== undefined) return { dtype: 'int64', shape: [], data: BigInt64Array.of(int) };
  // As they are: the ends of slices are as large as there are.
  const ints = attributes.bigints('value_ints');
  if (ints) return { dtype: 'int64', shape: [ints.length], data: BigInt64Array.from(ints) };
  const float = attributes.float('value_float');
  if (float !== undefined) return tensor('float32', [], [float]);
  const floats = attributes.floats('value_floats');
  if (floats) return tensor('float32', [floats.length], floats);
  throw new GraphError('its value is no tensor of numbers');
}

/** A tensor as float32, if it is float64. */
export function asFloat32(value: Tensor): Tensor {
  return value.dtype === 'float64'
    ? tensor('float32', value.shape, Float32Array.from(value.data as Float64Array))
    : value;
}

/** Whether two tensors hold the same. */
export function sameNumbers(a: Tensor, b: Tensor): boolean {
  return sameShape(a.shape, b.shape) && a.data.every((element, i) => element === b.data[i]);
}
