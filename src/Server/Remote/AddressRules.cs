using System.Net;
using Handwritten.Server.Access;

namespace Handwritten.Server.Remote;

/// <summary>
/// Whom this server may talk to when a stranger names the address. It stands inside a network, beside databases and the
/// metadata service of its cloud, which answer whoever can reach them; a stranger must not reach them through it.
/// </summary>
internal sealed class AddressRules(ServerOptions options)
{
    /// <summary>What is not the public internet. Source: the special-purpose registries of IANA; and of Microsoft's documentation, "What is IP address 168.63.129.16?".</summary>
    private static readonly IPNetwork[] NotPublic =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
            "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
            "168.63.129.16/32", // a public address, but in Azure's networks that of the host, which hands out what machines need to know

            // The first and the last four carry IPv4 addresses inside, which may be any of those above.
            "::/96", "100::/64", "2001:db8::/32", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16",
        }.Select(range => IPNetwork.Parse(range)),
    ];

    /// <summary>Whether a host is on the list, if there is one.</summary>
    public bool Allows(string host) => options.AllowedHosts.Count == 0 || options.AllowedHosts.Any(allowed => HostPattern.Matches(allowed, host.TrimEnd('.')));

    /// <summary>Whether an address may be connected to.</summary>
    public bool Allows(IPAddress address) => options.AllowPrivateAddresses || IsPublic(address);

    /// <summary>Whether an address is one of the public internet.</summary>
    public static bool IsPublic(IPAddress address)
    {
        IPAddress plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return !NotPublic.Any(network => network.Contains(plain));
    }
}
