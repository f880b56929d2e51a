/** One requirement of the pair, checked. */
export interface RequirementResult {
  readonly id: RequirementId
  /** What must be true, in words. */
  readonly title: string
  readonly met: boolean
  /** False: only a warning; does not refuse the pairing. */
  readonly mandatory: boolean
  /** This server's and the peer's value, for the page. */
  readonly own: string
  readonly peer: string
  /** What to do when it is not met. */
  readonly remedy: string
}

export type RequirementId =
  | 'samePlan'
  | 'sameExtensions'
  | 'sameConcurrentCalls'
  | 'sameFirmware'
  | 'minimumFirmware'
  | 'sameAddressFamily'
  | 'staticAddress'
  | 'sameSubnet'
  | 'lanDefaultInterface'
  | 'noVpn'
  | 'expectedSerialNumber'
  | 'differentSerialNumber'
  | 'virtualIpInSubnet'
  | 'virtualIpDistinct'
  | 'gateUsable'
  | 'sameWitness'
  | 'sameSchema'
  | 'samePackageVersion'
  | 'clockDifference'
  | 'freeDisk'
  | 'postgresVersion'
