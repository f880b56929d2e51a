import { readFile } from 'node:fs/promises'
import { codeOf } from '../../files/error-code.ts'

/** The link's carrier; null when the machine does not say. A link that is down or absent has none. */
export async function readCarrier(interfaceName: string): Promise<boolean | null> {
  try {
    const text = await readFile(`/sys/class/net/${interfaceName}/carrier`, 'utf8')
    return text.trim() === '1'
  } catch (error) {
    return codeOf(error) === 'EINVAL' ? false : null // EINVAL: the interface is administratively down
  }
}
