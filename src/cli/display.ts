// What a stream shows of text: how wide, how high, and whether in colours. One rule for every
// command:
//
//   width    COLUMNS where it is a number, else the width of the terminal, and never below 40. A
//            pipe or a file without COLUMNS has no width: there no name is cut and no line of data
//            is wrapped. Sentences of the program's own are wrapped at 100 columns at the latest.
//   colours  on a terminal that is not TERM=dumb, unless NO_COLOR says otherwise; FORCE_COLOR
//            (any value but 0 and false) asks for them everywhere, and wins.

import { styleText } from 'node:util'

export interface Display {
  /** Cells in a line; Infinity where there is no terminal. */
  readonly columns: number
  /** Cells in a line of a sentence: `columns`, but at most 100. */
  readonly proseColumns: number
  /** Lines of the terminal; Infinity where there is none. */
  readonly rows: number
  readonly paint: Paint
}

/** Gives the text in a colour; as it is where there are none. */
export type Paint = (style: Style, text: string) => string
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

const COLUMNS_MIN = 40
const PROSE_COLUMNS_MAX = 100

/** The parts of a terminal stream that are looked at; a pipe has none of them. */
interface Terminal {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
}

/** As of now: a terminal may have another size the next time. */
export function displayOf(stream: object, env: NodeJS.ProcessEnv): Display {
  const { isTTY = false, columns: width, rows } = stream as Terminal
  const columns = Math.max(COLUMNS_MIN, columnsOf(env['COLUMNS']) ?? width ?? Infinity)
  const isColoured = hasColours(isTTY, env)
  return {
    columns,
    proseColumns: Math.min(columns, PROSE_COLUMNS_MAX),
    rows: rows ?? Infinity,
    paint: (style, text) => (isColoured ? styleText(style, text, { validateStream: false }) : text),
  }
}

function columnsOf(text = ''): number | undefined {
  return /^[1-9]\d{0,5}$/.test(text) ? Number(text) : undefined
}

function hasColours(isTerminal: boolean, env: NodeJS.ProcessEnv): boolean {
  const { FORCE_COLOR: forced, NO_COLOR: refused, TERM: terminal } = env
  if (forced !== undefined) return forced !== '0' && forced !== 'false'
  return isTerminal && !refused && terminal !== 'dumb'
}
