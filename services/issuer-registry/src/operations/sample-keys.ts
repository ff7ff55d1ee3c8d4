import type { ProfileKeyKind } from '@sluice/pki';

/**
 * A public key of each kind, SubjectPublicKeyInfo, base64. Made for this table and nothing else; the private halves were
 * thrown away. They stand in samples for keys that clients bring and CAs have not got yet.
 */
const table: Readonly<Record<ProfileKeyKind, string>> = {
  'ec-p256':
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEshob+f9+v6HIC6UuTU4RzFAhpFiDgN8o/uRRe5Zs55U1Gl5L9uBguM98jFFYhPoN' +
    'WAdXIevEXxJPRZ4JaSMgmg==',
  'ec-p384':
    'MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEInHJiiYC30VER8H1ayhySH0fIhdmhH19QpoNB1x1tDupuoJzDkk9fpv4QBhqHGG5GvBh' +
    'Lg/s824tpJUM4B6M5OeP+nJ/QnFDeQnhFtwDXS8n9DQL5QWFVkBrXxRkjfHG',
  'ec-p521':
    'MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQBy4netVP93s/lcEenfqGJQM4Te6deCWFIC6b6xbDHy+h2BkT0hP5gsumNq1sIPx1B' +
    'hXZkdk/191IxhgKMmhDx3vMBCLqEUSWrt8aSho6zEthu1szTOpbdz/Pt6szkKLVnHcwRse2+PSh+gmNJsI0zEY0o7Izkoca8Lo/Z' +
    'ApREwxnoDEg=',
  ed25519: 'MCowBQYDK2VwAyEAJHv69TvTBNXpDHXEODThA9tfrxMniWJ2JpAfImFVWuw=',
  'rsa-2048':
    'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAnVN31D+Ln52Cf5r3+OpLrHCk6m/f6vy2G3NVoyoMv4+l+QRYKiDqVV3I' +
    'Uj41dvsSuMVVcTmahx2cUXvesyUeSk6oC6Ic3mk6QSAm4OUd3mgr9HO4zv0MhtYSfq3hvKr+6orw4l+NFnL724DtchY+WLG5YZlF' +
    'bOP+oMYsqzOFOrA9nFwDHaEc24ThA0bxz7aGLRE4LkaKySX9+ktoIWujBYAdG7wIpheIngR1DyXqpjvfCL8wEQzG6OiI9fjtFLWN' +
    'asZPOW5nM3IsI7XnxZzXDyTQzzIZkoEJspViVJ/9+oNAKsmAGGySjVx3KzvWAl8dOtuJxRDBYItmFkg/JEl4MQIDAQAB',
  'rsa-3072':
    'MIIBojANBgkqhkiG9w0BAQEFAAOCAY8AMIIBigKCAYEAtoxPVQ6w00XdRLhVniN7KX0/hx2S7M4ScVqRYNJNuuqtsK8qkyuSDXA/' +
    'uP2GPsAnnFihGDBkek2QA/68ahjOqyQH6lNPXZ6tlbQ4j35YK7Nwf8tGVZqrLwAB+mRbniZmRn0Nvvg8XiS1rXrIEN8WMOXPfEpZ' +
    'd6dHNP/ZlJq1YLMALCqKFJPrJ8ONvhnYgNxdh3PmErJZQ2ua8gYja/aNmsKdf2R3a8hZ8EUTTBS/BYl+bl7VpdCsmbVvvMdsskEZ' +
    'X+laJPmRlfe5jSdmrsI1lL1genm+JbnI7fIuWJd4lPvtm56Fho9j694ydsjJhNz0NZRNbaZcYOJNsh7Fei2bOceMXXH5akUXqm2o' +
    'LPID5aQ9de0Tqg4PKM6NEUL6slT9NK7luATwhECBf0mHQphQpi9BxY3YOt+twVv2fz387uk7aINQ8cA3iwWZfGnFH53RHiS3olIl' +
    '/VDO15t5hJrMTHze3uODgScfGWf5G0FrijqN9ake1tzHHaxFyj61BnkZAgMBAAE=',
  'rsa-4096':
    'MIICIjANBgkqhkiG9w0BAQEFAAOCAg8AMIICCgKCAgEAmtzJkAmReZxZ9pCT8Tc0j8SL6j/nSsjpxleXPJPzTalCNAlKSgbXYg9o' +
    'Q3FVzpMeqa05LNM8gM9zoyvB6YJPt6n41gGqSaoZ9vom4PlIh5UGkCf49XyRnuE5pJyZ2HTpQO5Qp8icgbmoTR30M3tcm9ZwYhsY' +
    'Ig2ekvCYhSVMt0lHJt8jV4DkPKJ1TPOxMxbw8vvA0+V2Wt4MkO8ShSksdGJ3SnoDp0+bafvVBL6WBPdf8e4SCcJ8AvpWJXlUdpX9' +
    'wta6kdPTyFdMXXMnNE0tlSj1o4mQxmG39I2SI7H3lMb5a8tV9ClcWTyXFLt8DgDVa9tTJjT6NEFD2yqrW5x/YUtPXBrbZIuFPhrm' +
    '4Fyg/FlAoKojBi72bzRl6zgjc9318hHPavBIiVEXYm+eaLLH/5jOLA8I4r3UNxUO1G9pS0RaD2iuZzczi2ytuvwZS2VBo7CoUP4u' +
    'lVyR+JMVTJfEL+zLrp3ngsgfnv7kdDgw6kIAtgLW8/saiVeLqUsYClYE42kIZKTsi05S4BfVu2rB3W80HEMCBJqs0bmkpZAjvQNm' +
    'A+d2qBYa1doQLfqn372HKQFDbb2cvtGaldstyYvhh/FUU7mJY3ujSAFqeO57F2GKjtsSNdyDviXac1l2/tKBkpRfADmY5piZmI8U' +
    'EMhka77AdkTkhBwI1+EHeAOi1X8CAwEAAQ==',
};

/** SubjectPublicKeyInfo, DER, of the key that stands in for one of that kind. */
export function sampleKey(kind: ProfileKeyKind): Uint8Array {
  return Buffer.from(table[kind], 'base64');
}
