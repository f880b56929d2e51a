/** What each field of the configuration file means. A test holds it against the schema. */
export const CONFIGURATION_FIELDS: Readonly<Record<string, string>> = {
  stateDirectory: 'Folder of the agent: term, settings, keys, history. Mode 0700, one per agent.',
  socketPath: 'Unix socket of the agent; `agent.sock` in the state directory when not given.',
  'listen.address': 'Address on which the agent listens.',
  'listen.port': 'TCP (TLS channel) and UDP (heartbeats); open it between the two servers.',
  'database.url': "The replicator's connection to the local database, without a password.",
  'database.passwordFile': 'File with the password of `database.url`.',
  'database.ownerUrl':
    'Connection of `hot-standby migrate` and `disable`: the owner of the tables or a superuser.',
  'database.ownerPasswordFile': 'File with the password of `database.ownerUrl`.',
  'database.schema': 'Schema that the package makes for itself.',
  'database.replicatedSchemas': 'Schemas whose tables are replicated, all of them unless excluded.',
  'database.exclude.tables': 'Tables that belong to one server: `table` or `schema.table`.',
  'database.exclude.columns': "Table → columns that keep each server's own value.",
  'database.exclude.rows':
    'Table → condition on its columns; rows for which it is true belong to one server.',
  'database.checkAt':
    'When the standby compares all rows of both servers, once a day, in its own time; `never` leaves it to `hot-standby check`. It also compares after each sign of bypassed capture.',
  'database.journalCapBytes':
    'Size of the journal from which the standby is marked for resynchronisation.',
  'network.interface': 'The LAN interface that carries the virtual IP.',
  'network.driver':
    '`kernel` sets the virtual IP with a lease; `listener` forwards ports where no address may be added (demo).',
  'network.listenAddress':
    'Driver `listener` only: listen here in place of the virtual IP, where that address does not exist (the demo on macOS).',
  'network.forward[].port': 'Driver `listener` only: port of the virtual IP.',
  'network.forward[].to': 'Driver `listener` only: `host:port` that it leads to.',
  'platform.facts.productName': 'Name of the product.',
  'platform.facts.serialNumber': 'Serial number of this PBX.',
  'platform.facts.plan': 'Licence plan; must be the same on both servers.',
  'platform.facts.firmwareVersion': 'Firmware version; must be the same on both servers.',
  'platform.facts.minimumFirmwareVersion': 'Oldest firmware that may be in a pair.',
  'platform.facts.capacity.extensions': 'Licensed extensions; must be the same on both servers.',
  'platform.facts.capacity.concurrentCalls':
    'Licensed concurrent calls; must be the same on both servers.',
  'platform.facts.hostName': 'Name of this server; of the operating system when not given.',
  'platform.facts.network.interfaceName':
    'Network facts, when they are not to be read from the kernel.',
  'platform.facts.network.address': "The server's own address on that interface.",
  'platform.facts.network.prefixLength': 'Prefix length of its subnet.',
  'platform.facts.network.family': 'Internet protocol.',
  'platform.facts.network.isStatic': 'The address is static.',
  'platform.facts.network.isDefault': 'The default route goes through this interface.',
  'platform.facts.network.kind': 'What the interface is.',
  'platform.factsCommand':
    'Program and arguments; prints the facts as JSON. Takes the place of `platform.facts`.',
  'failover.roleChangesPerHour':
    'So often the active role may move by itself within an hour, both servers together; then it is held where it is until the administrator switches automatic take-over on again.',
  'witness.url':
    'Address of an etcd (3.4 or later) on a third machine. With it a pair whose servers do not hear each other has one active server only.',
  'witness.key': 'Name of the role in etcd: the same on both servers, another one for each pair.',
  'witness.user': 'User of etcd, when it wants one.',
  'witness.passwordFile': 'File with the password.',
  'witness.caFile': 'PEM file of the authority that signed the certificate of etcd.',
  'services.start': 'Program that starts the telephony services when this server becomes active.',
  'services.stop': 'Program that stops them when it becomes standby.',
  'services.health': 'Program whose exit status 0 means healthy.',
  'services.calls':
    'Program that prints how many calls are active, as a whole number: for `switchover --when-idle`.',
  'services.healthIntervalMs': 'How often health is asked.',
  'services.timeoutMs': 'How long each of these programs may take.',
  'smtp.host': 'SMTP server for notifications. Without `smtp` no mail is sent.',
  'smtp.port': 'Its port.',
  'smtp.secure': 'TLS from the start; else STARTTLS when the server offers it.',
  'smtp.requireTls': 'Refuse to send without TLS.',
  'smtp.verifyCertificate':
    'False accepts any certificate of the SMTP server: for one in the LAN with its own.',
  'smtp.caFile': 'PEM file of the authority that signed the certificate of the SMTP server.',
  'smtp.user': 'User name, when the server wants one.',
  'smtp.passwordFile': 'File with the password.',
  'smtp.from': 'Sender address.',
  'notifications.mail':
    '`smtp`, or `platform`: the web process takes the mails and sends them in its own way (`hotStandby.sendMail`).',
  'notifications.webhook.url': 'Every event that is told is posted here as JSON, signed.',
  'notifications.webhook.secretFile': 'File with the secret that signs the calls (HMAC-SHA256).',
  'notifications.webhook.caFile': 'PEM file of the authority that signed its certificate.',
  'notifications.webhook.timeoutMs': 'How long a call may take as a whole.',
  'notifications.webhook.levels': 'Only events of these levels.',
  'notifications.syslog.transport': '`udp`, `tcp` (octet counting) or `unix` (a stream socket).',
  'notifications.syslog.host': 'Receiver, for `udp` and `tcp`.',
  'notifications.syslog.port': 'Its port.',
  'notifications.syslog.path': 'Socket of the receiver, for `unix`.',
  'notifications.syslog.facility': 'Facility of the lines.',
  'notifications.syslog.levels': 'Only events of these levels.',
  logLevel: '`agent` logs to standard error from this level on.',
}
