/** Deeper than anybody reads; a megabyte of brackets would be made of spaces. */
const DEPTH_MAX = 50
const TOKEN = /"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s"[\]{},:]+/g

/** JSON with a line for each value; what is written there stays letter by letter, numbers and doubled keys too. Other text as it is. */
export function indentJson(text: string): string {
  if (!isJson(text)) return text
  const tokens = text.match(TOKEN) ?? []
  const lines: string[] = []
  let depth = 0
  let line = ''
  const endLine = (): void => {
    lines.push(line)
    line = '  '.repeat(depth)
  }
  for (const [index, token] of tokens.entries()) {
    const isEmpty = isClosing(tokens[index + 1]) && isOpening(token)
    if (isOpening(token)) {
      line += token
      depth += 1
      if (depth > DEPTH_MAX) return text
      if (!isEmpty) endLine()
    } else if (isClosing(token)) {
      depth -= 1
      if (!isOpening(tokens[index - 1])) endLine()
      line += token
    } else if (token === ',') {
      line += token
      endLine()
    } else line += token === ':' ? ': ' : token
  }
  return [...lines, line].join('\n')
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function isOpening(token: string | undefined): boolean {
  return token === '{' || token === '['
}

function isClosing(token: string | undefined): boolean {
  return token === '}' || token === ']'
}
