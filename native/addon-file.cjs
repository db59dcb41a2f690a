// Finds the file of the native addon, and says in words why one does not load here. Used by the
// install step and by src/native.ts.
//
// A file is looked at before it is loaded: the system loader maps a library that was cut short and
// then dies of SIGBUS, and for one of another processor it says "no such file".

'use strict'

const { closeSync, fstatSync, openSync, readSync } = require('node:fs')

const HEADER_BYTES = 64
/** e_machine of ELF headers, by Node's name of the processor. */
const MACHINES = { x64: 62, arm64: 183 }

/** The path of the addon: what was built here, else the prebuilt one that fits; or undefined. */
function findAddon(root) {
  try {
    return require('node-gyp-build').path(root)
  } catch {
    return undefined
  }
}

/** What is wrong with a library that can be seen without loading it; undefined when nothing is. */
function misfit(file) {
  const header = Buffer.alloc(HEADER_BYTES)
  const fd = openSync(file, 'r')
  let size
  try {
    size = fstatSync(fd).size
    readSync(fd, header, 0, HEADER_BYTES, 0)
  } finally {
    closeSync(fd)
  }
  if (header.toString('latin1', 0, 4) !== '\x7fELF') {
    return size < HEADER_BYTES ? `is cut short (${size} bytes)` : 'is no Linux library'
  }
  const machine = header.readUInt16LE(18)
  const wanted = MACHINES[process.arch]
  if (wanted !== undefined && machine !== wanted) {
    const name = Object.keys(MACHINES).find((arch) => MACHINES[arch] === machine)
    return `is for ${name ?? 'another processor'}, and this Node is for ${process.arch}`
  }
  // The table of sections is the last thing in a file that the linker made.
  const end = Number(header.readBigUInt64LE(40)) + header.readUInt16LE(58) * header.readUInt16LE(60)
  if (size < end) return `is cut short (${size} of ${end} bytes)`
  return undefined
}

/** The message of a failed load, or what a process printed that died of it, as one reason. */
function loadFailure(text) {
  const [, version] = /version [`'](\w+_[\d.]+)' not found/.exec(text) ?? []
  if (version !== undefined) {
    const glibc = process.report?.getReport().header.glibcVersionRuntime
    const here = version.startsWith('GLIBC_') && glibc ? `, and this system has ${glibc}` : ''
    return `needs ${version}${here}`
  }
  const [, library] = /(lib\S+): cannot open shared object file/.exec(text) ?? []
  if (library !== undefined) return `needs ${library}, which this system does not have`
  const [, reason = text.trim().split('\n')[0]] = /Error: (.*)/.exec(text) ?? []
  return `does not load: ${reason}`
}

module.exports = { findAddon, misfit, loadFailure }
