// JSON values that Envoy, its clients and its bugs have put into access logs, and some that nobody
// has yet: each list is the corner of one rule of DESIGN 4 and 5. Bytes are latin1 text.

/** UTF-8 bytes as latin1 text. */
export function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1')
}

const LONG_ZEROS = '0'.repeat(400)

/** Values of an amount: the good, the zero and the bad (4.3). */
export const NUMBERS = [
  ...['0', '1', '999', '1000', '466.0', '4.66e+02', '1e+05', '1e+06', '1.5E7', '12E0', '100e-2'],
  ...['"466"', '"466.000"', '"1e+06"', String.raw`"\u0031\u0032"`, 'null', '""', '"-"'],
  ...['0.0', '0e5', '0e999999999999', '0.000e-7', `1${LONG_ZEROS}e-400`, `0.${LONG_ZEROS}1e401`],
  ...['9007199254740991', '9007199254740992', '9007199254740992.0', '9.007199254740992e15'],
  ...['9007199254740993', '9007199254740992.5', '9.007199254740993e15', '"9007199254740993"'],
  ...['1e16', '1e400', '1e99999999999999999999', '1e-400', '1.5', '0.1', '15e-1', '"1.5"'],
  ...['18446744073709551616', '9223372036854775807', '-0', '-1', '-0.0', '"-0"', '"-5"'],
  ...['true', 'false', '{}', '[]', '[1]', '{"bytes_sent":1}', '"abc"', '" 1"', '"1 "', '"1\\n"'],
  ...['"0x10"', '"01"', '"+1"', '"1."', '".5"', '"1e"', '"Infinity"', '"inf"', '"null"', '"--"'],
  ...['inf', '-inf', 'nan', '-nan', '+inf', 'Infinity', 'NaN', '01', '+1', '1.', '.5', '1e', '-'],
  ...['0x10', '1_000', 'nul', '1e+', '--1', '"12', '12"'],
] as const

/** Strings with quotes around them: what clients send as header values (4.2). */
export const STRINGS = [
  ...['""', '"-"', '"curl/8"', String.raw`"a\"b\\c\/d\b\f\n\r\t"`, String.raw`"\u0041\u00e9"`],
  ...[String.raw`"{\"bytes_sent\":9}"`, String.raw`"\",\"bytes_sent\":9,\"x\":\""`, '"}{"', '"]["'],
  ...[bytesOf('"snow ☃ é 😀 \u{10ffff}"'), bytesOf('"\ufeff \u2028 \ufffd"'), '"\x7f"'],
  ...['"\xff"', '"\xc3"', '"\xc3("', '"\xe2\x98"', '"\xe2\x98\xff"', '"\xc0\xaf"', '"\x80"'],
  ...['"\xe0\x80\x80"', '"\xed\xa0\x80"', '"\xed\x9f\xbf"', '"\xf0\x80\x80\x80"', '"\xf5\x80"'],
  ...['"\xf4\x8f\xbf\xbf"', '"\xf4\x90\x80\x80"', '"\xf0\x9f\x98"', '"\xef\xbf\xbe"', '"\xf8"'],
  ...[String.raw`"\377\xa\"b"`, String.raw`"\'"`, String.raw`"\0"`, String.raw`"\U0041"`],
  ...[String.raw`"\u12"`, String.raw`"\u"`, String.raw`"\u00g0"`, String.raw`"\u000"`],
  ...[String.raw`"\ud83d\ude00"`, String.raw`"\uD83D\uDE00"`, String.raw`"\ud83d"`],
  ...[String.raw`"\ude00"`, String.raw`"\ud83d\ud83d\ude00"`, String.raw`"\ud83d\u0041"`],
  ...[String.raw`"\ude00\ud83d"`, String.raw`"\ud83dude00"`, String.raw`"\udbff\udfff"`],
  ...[String.raw`"\u0000"`, String.raw`"\\"`, String.raw`"\\\""`, String.raw`"\\\\u12"`, '"inf"'],
  ...['"\x00"', '"\x1f"', '"tab\there"', '"cr\rhere"', String.raw`"open\"`, '"no end', 'no start"'],
  ...[`"${'x'.repeat(300)}"`, `"${'\xff'.repeat(70)}"`, `"${'é\\"'.repeat(40)}"`],
] as const

/** Any other value of a key that nobody reads. */
export const OTHERS = [
  ...['null', 'true', 'false', '[]', '{}', '[ ]', '{ }', '[1,2,[3,{"a":null}]]', '{"a":{"b":[]}}'],
  ...['{"bytes_sent":5,"project_name":"p-forged"}', '[{"route_name":"x"}]', '[inf,-inf,nan]'],
  ...['{"a":-nan}', '{"a":inf,"b":"inf"}', '[infinity]', '[inf inf]', '{inf:1}', '[-]', '[inf"a"]'],
  ...['1e999', '-0', '-1.5e-9', '0.1', '00', '1.e5', 'tru', 'True', 'nulll', 'undefined', "'a'"],
  ...['[1,]', '{"a":1,}', '[,1]', '{,}', '{"a"}', '{"a":}', '{1:2}', '[1 2]', '[}', '{]', '[[]'],
  ...['{"a":1,"a":2}', String.raw`{"\u0061":1,"a":2}`, '{"k\xff":1}', String.raw`{"\q":1}`],
  ...[String.raw`{"a":[{"b\ud800":1}]}`, '/* c */ 1', '{"__proto__":1,"constructor":2}'],
] as const

export const PROJECTS = [
  ...['null', '""', '"-"', '"p"', '"0"', '"P-Upper"', '"-a"', '"a-"', '"a--b"', '"a.b"', '"a_b"'],
  ...[
    '" a"',
    '"a b"',
    '"a\\n"',
    '5',
    'true',
    '{}',
    '["p-a"]',
    '"*"',
    '">"',
    bytesOf('"é"'),
    '"a/b"',
  ],
  ...[`"${'x'.repeat(63)}"`, `"${'x'.repeat(64)}"`, String.raw`"\u0070-1"`, String.raw`"p\/1"`],
  ...['"p\xff"', String.raw`"p\377"`, String.raw`"p\ud800"`, 'inf', '"null"', '"constructor"'],
] as const

export const ROUTES = [
  ...[
    'null',
    '""',
    '"-"',
    '5',
    '{}',
    '[]',
    'true',
    '"original_route"',
    '"httproute"',
    '"HTTPRoute/a/b"',
  ],
  ...['"httproute/"', '"httproute//b"', '"httproute/a"', '"httproute/a/"', '"httproute/a//c"'],
  ...['"httproute/a/b"', '"httproute/a/b/"', '"grpcroute/a/b"', '"tcproute/a/b/rule/0"', '"/a/b"'],
  ...['"httproute/-/b"', '"httproute/ns-/b"', '"httproute/NS/b"', '"httproute/ns-x.y/b"'],
  ...[String.raw`"httproute\/ns-a\/web\/rule"`, String.raw`"\u0068ttproute/ns-a/web"`],
  ...[bytesOf('"httproute/ns-a/☃"'), String.raw`"httproute/ns-a/\ud83d\ude00\u0000\u007f"`],
  ...['"httproute/ns-a/w\xff"', String.raw`"httproute/ns-a/\777"`, 'inf', '"constructor/a/b"'],
  ...[`"httproute/ns-a/${'n'.repeat(256)}"`, `"httproute/ns-a/${'n'.repeat(257)}"`],
  ...[`"httproute/ns-a/${'m'.repeat(300)}"`, `"httproute/${'n'.repeat(257)}/web"`],
] as const

export const LOG_TYPES = [
  ...['null', '""', '"-"', '"DownstreamEnd"', '"NotSet"', '"UpstreamEnd"', '"UpstreamPoolReady"'],
  ...['"TcpConnectionEnd"', '"TcpUpstreamConnected"', '"UdpTunnelUpstreamConnected"', '"Udp"'],
  ...['"UdpSessionEnd"', '"upstreamEnd"', '"Downstream"', '"DownstreamEnd "', '5', 'true', '{}'],
  ...['"DownstreamStart"', '"DownstreamPeriodic"', '"DownstreamTunnelSuccessfullyEstablished"'],
  ...[String.raw`"Downstream\u0045nd"`, String.raw`"Downstream\105nd"`, '"Tcp"', '"Something"'],
] as const

/** Start times that are odd whatever the log's own time is (5.2). */
export const TIMES = [
  ...['null', '""', '"-"', '"yesterday"', 'true', '{}', '0', '-1', '1e9', '"1e9"', '946684799.999'],
  ...['946684800', '4102444799.9999', '4102444800', '"0000946684800"', '"000946684800"', '"1."'],
  ...['"1999-12-31T23:59:59.999Z"', '"2000-01-01T00:00:00Z"', '"2100-01-01T00:00:00Z"'],
  ...['"2099-12-31T23:59:59.9999999Z"', '"1999-12-31T23:59:59.9999Z"', '"0000-01-01T00:00:00Z"'],
  ...['"2026-02-29T00:00:00Z"', '"2028-02-29T00:00:00Z"', '"2026-11-31T00:00:00Z"'],
  ...['"2026-13-01T00:00:00Z"', '"2026-00-01T00:00:00Z"', '"2026-11-00T00:00:00Z"'],
  ...['"2026-11-02T24:00:00Z"', '"2026-11-02T12:60:00Z"', '"2026-11-02T12:59:60Z"'],
  ...['"2026-11-02t12:00:00Z"', '"2026-11-02T12:00:00z"', '"2026-11-02 12:00:00Z"'],
  ...['"2026-11-02T12:00:00"', '"2026-11-02T12:00:00.Z"', '"2026-11-02T12:00:00,5Z"'],
  ...['"2026-11-02T12:00:00+24:00"', '"2026-11-02T12:00:00+01:60"', '"2026-11-02T12:00:00+0100"'],
  ...['"2026-11-02T12:00:00Z "', '"2026-1-02T12:00:00Z"', '"+2026-11-02T12:00:00Z"', '2026.5'],
] as const
