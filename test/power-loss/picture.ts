// Which page of a state.mdb is what, in the picture of its last commit. Written for these tests
// alone, from LMDB's own header file, so that it shares nothing with what it judges.

export const PAGE_BYTES = 4096

/**
 * What a page is; `body` is any page of a long value but its first; `free` is nobody's. The older
 * meta page and the root that it names are of the commit before the last.
 */
export type PageKind =
  | 'meta'
  | 'older meta'
  | 'older root'
  | 'branch'
  | 'leaf'
  | 'overflow'
  | 'body'
  | 'free list'
  | 'free list overflow'
  | 'free'

interface Trees {
  readonly kinds: PageKind[]
  readonly file: Buffer
}

/** The kind of each page of a file that is whole. */
export function pageKinds(file: Buffer): PageKind[] {
  const kinds = Array.from({ length: file.length / PAGE_BYTES }, (): PageKind => 'free')
  const newest = u64(file, 152) > u64(file, PAGE_BYTES + 152) ? 0 : 1
  kinds[newest] = 'meta'
  kinds[1 - newest] = 'older meta'
  kinds[u64(file, (1 - newest) * PAGE_BYTES + 136)] = 'older root'
  const meta = newest * PAGE_BYTES
  visit({ kinds, file }, u64(file, meta + 88), true)
  visit({ kinds, file }, u64(file, meta + 136), false)
  return kinds
}

/** Offsets of a tree page's nodes in the file. */
export function nodeOffsets(file: Buffer, page: number): number[] {
  const start = page * PAGE_BYTES
  const count = file.readUInt16LE(start + 20) / 2
  return Array.from({ length: count }, (_, index) => {
    return start + 24 + file.readUInt16LE(start + 24 + 2 * index)
  })
}

function visit(trees: Trees, page: number, isFreeList: boolean): void {
  const { file, kinds } = trees
  if (page >= kinds.length) return
  const isBranch = file.readUInt16LE(page * PAGE_BYTES + 18) === 1
  kinds[page] = isFreeList ? 'free list' : isBranch ? 'branch' : 'leaf'
  for (const at of nodeOffsets(file, page)) {
    if (isBranch) visit(trees, file.readUIntLE(at, 6), isFreeList)
    else if (file.readUInt16LE(at + 4) === 1) overflow(trees, at, isFreeList)
  }
}

function overflow({ file, kinds }: Trees, node: number, isFreeList: boolean): void {
  const run = node + 8 + file.readUInt16LE(node + 6)
  const [first, pages] = [u64(file, run), u64(file, run + 16)]
  kinds.fill(isFreeList ? 'free list overflow' : 'body', first, first + pages)
  if (!isFreeList) kinds[first] = 'overflow'
}

function u64(file: Buffer, at: number): number {
  return Number(file.readBigUInt64LE(at))
}
