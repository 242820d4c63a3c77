/**
 * Counts copies to the GPU that overtake kernels: `GPUQueue.writeBuffer` writes at once, but kernels that ONNX Runtime has
 * recorded and not yet submitted run later, and read what was written for others.
 */

// What there is of WebGPU, as much of it as is used.
interface BindGroupDescriptor {
  readonly entries: Iterable<{ readonly resource: { readonly buffer?: object } }>;
}
interface Device {
  createBindGroup: (this: Device, descriptor: BindGroupDescriptor) => object;
}
interface ComputePass {
  setBindGroup: (this: ComputePass, index: number, group: object, ...more: unknown[]) => void;
  dispatchWorkgroups: (this: ComputePass, ...size: number[]) => void;
}
interface Queue {
  submit: (this: Queue, commands: unknown) => void;
  writeBuffer: (this: Queue, buffer: object, ...more: unknown[]) => void;
}
interface Prototypes {
  readonly GPUDevice: { readonly prototype: Device };
  readonly GPUComputePassEncoder: { readonly prototype: ComputePass };
  readonly GPUQueue: { readonly prototype: Queue };
}

/** Begins to watch. @returns gives the number of such copies since it was last asked */
export function watchOvertaking(): () => number {
  const { GPUDevice, GPUComputePassEncoder, GPUQueue } = globalThis as unknown as Prototypes;
  const [device, pass, queue] = [GPUDevice.prototype, GPUComputePassEncoder.prototype, GPUQueue.prototype];
  const { createBindGroup } = device;
  const { setBindGroup, dispatchWorkgroups } = pass;
  const { submit, writeBuffer } = queue;
  const buffersOf = new WeakMap<object, readonly object[]>();
  /** Of kernels that are recorded, and not submitted. */
  const waiting = new Set<object>();
  let [bound, count]: [readonly object[], number] = [[], 0];
  device.createBindGroup = function (descriptor) {
    const group = createBindGroup.call(this, descriptor);
    buffersOf.set(
      group,
      [...descriptor.entries].flatMap(({ resource: { buffer } }) => buffer ?? []),
    );
    return group;
  };
  pass.setBindGroup = function (index, group, ...more) {
    bound = buffersOf.get(group) ?? [];
    setBindGroup.call(this, index, group, ...more);
  };
  pass.dispatchWorkgroups = function (...size) {
    for (const buffer of bound) waiting.add(buffer);
    dispatchWorkgroups.apply(this, size);
  };
  queue.submit = function (commands) {
    waiting.clear();
    submit.call(this, commands);
  };
  queue.writeBuffer = function (buffer, ...more) {
    if (waiting.has(buffer)) count++;
    writeBuffer.call(this, buffer, ...more);
  };
  return () => {
    const found = count;
    count = 0;
    return found;
  };
}
