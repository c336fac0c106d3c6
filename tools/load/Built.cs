using System.Reflection;

namespace Handwritten.Load;

/// <summary>Where things lay when this program was built.</summary>
internal static class Built
{
    /// <summary>The repository's root.</summary>
    public static string Repository { get; } = Metadata("Repository");

    /// <summary>The program <c>handwritten</c>.</summary>
    public static string Command { get; } = Metadata("Command");

    private static string Metadata(string key) =>
        typeof(Built).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == key).Value!;
}
