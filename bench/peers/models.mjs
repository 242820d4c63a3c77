// The models of src/models over the operations of any library. A library brings an object `ops`; how it lays images
// out in memory is its own affair. Batch norm keeps no running statistics here.

/**
 * @param ops convolution(x, filter, {kernel, stride, padding}), filterShape(out, in, kernel), batchNorm(x, scale,
 *   shift), relu(x), maxPool(x) (3x3, stride 2, padding 1), globalMean(x), linear(x, weight [in, out], bias), add(a, b),
 *   patches(images, size) → [N, count, features], prepend(token [1, 1, width], x), layerNorm(x, scale, shift), gelu(x),
 *   attention(qkv [N, tokens, 3 width], heads), firstToken(x)
 * @returns the shape and initial distribution of every parameter, and the forward pass over their values
 */
export function createModel(name, config, ops) {
  const declared = [];
  // A parameter is known by its position in the list.
  const parameter = (shape, deviation, mean = 0) => declared.push({ shape, deviation, mean }) - 1;
  const build = { resnet18, resnet50, vit }[name];
  if (!build) throw new RangeError(`there is no model "${name}" here`);
  return { declared, forward: build(config, parameter, ops) };
}

const resnet18 = (config, parameter, ops) => resnet(config, [2, 2, 2, 2], basicBlock, parameter, ops);
const resnet50 = (config, parameter, ops) => resnet(config, [3, 4, 6, 3], bottleneck, parameter, ops);

/** Convolution and batch norm, as they always come together. */
function normalizedConvolution(inChannels, channels, kernel, stride, parameter, ops) {
  const filter = parameter(
    ops.filterShape(channels, inChannels, kernel),
    Math.sqrt(2 / (channels * kernel ** 2)),
  );
  const [scale, shift] = [parameter([channels], 0, 1), parameter([channels], 0)];
  const geometry = { kernel, stride, padding: (kernel - 1) / 2 };
  return (p, x) => ops.batchNorm(ops.convolution(x, p(filter), geometry), p(scale), p(shift));
}

function residual(layers, inChannels, channels, stride, parameter, ops) {
  const projection =
    stride === 1 && inChannels === channels
      ? (_, x) => x
      : normalizedConvolution(inChannels, channels, 1, stride, parameter, ops);
  return (p, x) => {
    const inner = layers.reduce((y, layer, i) => layer(p, i === 0 ? y : ops.relu(y)), x);
    return ops.relu(ops.add(inner, projection(p, x)));
  };
}

function basicBlock(inChannels, channels, stride, parameter, ops) {
  const layers = [
    normalizedConvolution(inChannels, channels, 3, stride, parameter, ops),
    normalizedConvolution(channels, channels, 3, 1, parameter, ops),
  ];
  return [channels, residual(layers, inChannels, channels, stride, parameter, ops)];
}

function bottleneck(inChannels, channels, stride, parameter, ops) {
  const layers = [
    normalizedConvolution(inChannels, channels, 1, 1, parameter, ops),
    normalizedConvolution(channels, channels, 3, stride, parameter, ops),
    normalizedConvolution(channels, 4 * channels, 1, 1, parameter, ops),
  ];
  return [4 * channels, residual(layers, inChannels, 4 * channels, stride, parameter, ops)];
}

function linear(inFeatures, outFeatures, parameter, ops) {
  const weight = parameter([inFeatures, outFeatures], Math.sqrt(1 / (3 * inFeatures)));
  const bias = parameter([outFeatures], 0);
  return (p, x) => ops.linear(x, p(weight), p(bias));
}

function resnet({ stem, width, channels, classes }, depths, block, parameter, ops) {
  const [kernel, stride] = stem === 'cifar' ? [3, 1] : [7, 2];
  const first = normalizedConvolution(channels, width, kernel, stride, parameter, ops);
  const blocks = [];
  let inChannels = width;
  depths.forEach((depth, stage) => {
    for (let index = 0; index < depth; index++) {
      const blockStride = stage > 0 && index === 0 ? 2 : 1;
      const [outChannels, next] = block(inChannels, width * 2 ** stage, blockStride, parameter, ops);
      blocks.push(next);
      inChannels = outChannels;
    }
  });
  const head = linear(inChannels, classes, parameter, ops);
  return (values, images) => {
    const p = (index) => values[index];
    const x = ops.maxPool(ops.relu(first(p, images)));
    return head(p, ops.globalMean(blocks.reduce((y, next) => next(p, y), x)));
  };
}

function vit(config, parameter, ops) {
  const { imageSize, channels, patch, width, depth, heads, mlpRatio, classes } = config;
  const norm = () => {
    const [scale, shift] = [parameter([width], 0, 1), parameter([width], 0)];
    return (p, x) => ops.layerNorm(x, p(scale), p(shift));
  };
  const token = parameter([1, 1, width], 0);
  const positions = parameter([1, (imageSize / patch) ** 2 + 1, width], 0.02);
  // A convolution whose stride is its kernel is a linear layer over patches.
  const embed = linear(channels * patch ** 2, width, parameter, ops);
  const hidden = Math.round(width * mlpRatio);
  const blocks = Array.from({ length: depth }, () => {
    const [norm1, qkv] = [norm(), linear(width, 3 * width, parameter, ops)];
    const [projection, norm2] = [linear(width, width, parameter, ops), norm()];
    const [expand, contract] = [linear(width, hidden, parameter, ops), linear(hidden, width, parameter, ops)];
    return (p, x) => {
      const middle = ops.add(x, projection(p, ops.attention(qkv(p, norm1(p, x)), heads)));
      return ops.add(middle, contract(p, ops.gelu(expand(p, norm2(p, middle)))));
    };
  });
  const last = norm();
  const head = linear(width, classes, parameter, ops);
  return (values, images) => {
    const p = (index) => values[index];
    const tokens = embed(p, ops.patches(images, patch));
    const x = ops.add(ops.prepend(p(token), tokens), p(positions));
    return head(
      p,
      ops.firstToken(
        last(
          p,
          blocks.reduce((y, block) => block(p, y), x),
        ),
      ),
    );
  };
}
