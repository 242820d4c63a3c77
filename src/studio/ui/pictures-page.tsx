/** The first step: what is learned from. */
import { OwnPictures } from './own-pictures.js';
import { Shapes } from './shapes.js';
import { dataKind } from './state.js';
import { Welcome } from './welcome.js';

export function PicturesPage() {
  if (dataKind.value === null) return <Welcome />;
  return dataKind.value === 'shapes' ? <Shapes /> : <OwnPictures />;
}
