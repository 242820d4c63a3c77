/** The built-in models, and how they are made by name. */
export { type AirbenchOptions, airbench } from './airbench.js';
export { type MlpOptions, mlp } from './mlp.js';
export { type ModelEntry, createModel, modelOptions, models as registry } from './registry.js';
export { type ResNetOptions, resnet18, resnet34, resnet50 } from './resnet.js';
export { type VitOptions, vit, vitBase, vitSmall, vitTiny } from './vit.js';
