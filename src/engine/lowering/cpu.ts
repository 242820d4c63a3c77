/** The lowering for ONNX Runtime's native CPU provider: the plain forms, but for those that run faster otherwise. */
import type { Rewrites } from '../../graph/rewrite.js';
import { portable } from './portable.js';

export const cpu: Rewrites = new Map([...portable]);
