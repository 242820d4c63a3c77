/** The versions of ONNX this project writes, and the numbers ONNX gives to element types. */
import type { DType } from '../tensor/tensor.js';
import { TensorProto_DataType as DataType } from './onnx_pb.js';

/** The operator set of the default domain; docstrings of the builders name the version each operator has in it. */
export const OPSET_VERSION = 20;
/** ONNX 1.15's format, the one that came with operator set 20. */
export const IR_VERSION = 9;

export const dataTypes: Record<DType, DataType> = {
  float32: DataType.FLOAT,
  float64: DataType.DOUBLE,
  int32: DataType.INT32,
  int64: DataType.INT64,
  uint8: DataType.UINT8,
  bool: DataType.BOOL,
};

/** The element type with ONNX's number, if this project knows it. */
export function dtypeOf(number: number): DType | undefined {
  return (Object.keys(dataTypes) as DType[]).find((dtype) => (dataTypes[dtype] as number) === number);
}
