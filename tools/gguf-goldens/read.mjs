// Writes testdata/gguf/NAME.json, what the official library reads of each NAME.gguf: `npm ci && npm run goldens`.
import fs from 'node:fs';
import path from 'node:path';
import { GGMLQuantizationType, gguf } from '@huggingface/gguf';

const folder = path.join(import.meta.dirname, '../../testdata/gguf');

// Whole numbers of 64 bits come as bigint, which JSON does not have.
const plain = (key, value) => (typeof value === 'bigint' ? Number(value) : value);

for (const name of ['tiny', 'pieces']) {
  const read = await gguf(path.join(folder, `${name}.gguf`), { allowLocalFile: true });
  fs.writeFileSync(
    path.join(folder, `${name}.json`),
    JSON.stringify(
      {
        metadata: read.metadata,
        tensors: read.tensorInfos.map((t) => ({ ...t, dtype: GGMLQuantizationType[t.dtype] })),
        data_offset: read.tensorDataOffset,
      },
      plain,
      1,
    ) + '\n',
  );
}
