/** The way on from the pictures. */
import { GoOn } from './go-on.js';
import { noTraining } from './state.js';

export function Onward() {
  const obstacle = noTraining.value;
  return (
    <div class="onward">
      {obstacle === undefined ? <GoOn to="model">On to the model</GoOn> : <p class="muted">{obstacle}</p>}
    </div>
  );
}
