// In the standalone binary this stands for the package `node-gyp-build-optional-packages`, by which
// lmdb looks for its addon in node_modules.

'use strict'

const { loadEmbedded } = require('../../src/embedded.ts')

module.exports = () => loadEmbedded('lmdb')
