namespace Handwritten.Server.Access;

/// <summary>Names of hosts as options give them: a name, or <c>*.example.org</c> for all below a domain.</summary>
internal static class HostPattern
{
    /// <summary>Whether a host is meant.</summary>
    public static bool Matches(string pattern, string host) => pattern.StartsWith("*.", StringComparison.Ordinal)
        ? host.EndsWith(pattern[1..], StringComparison.OrdinalIgnoreCase)
        : host.Equals(pattern, StringComparison.OrdinalIgnoreCase);
}
