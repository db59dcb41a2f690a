// A floor: reads a log into one reused buffer and does nothing with it.

import { closeSync, openSync, readSync } from 'node:fs'

const BUFFER_BYTES = 1024 * 1024

const [path = ''] = process.argv.slice(2)
const buffer = Buffer.allocUnsafe(BUFFER_BYTES)
const fd = openSync(path, 'r')
let bytes = 0
for (let got = -1; got !== 0; bytes += got) got = readSync(fd, buffer, 0, BUFFER_BYTES, bytes)
closeSync(fd)
process.stdout.write(`${bytes}\n`)
