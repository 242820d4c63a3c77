/** onnxruntime-web, which whoever computes in a browser installs beside this package. */
import * as runtime from 'onnxruntime-web';

export { runtime };
