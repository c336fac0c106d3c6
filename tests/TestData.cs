namespace Handwritten.Tests;

/// <summary>Finds the repository's files from wherever the test runner starts.</summary>
internal static class TestData
{
    /// <summary>The repository root: the nearest folder upwards that holds <c>Handwritten.sln</c>.</summary>
    public static string Repository { get; } = FindRepository();

    /// <summary>A file or folder below <c>tests/data</c>.</summary>
    public static string Path(params string[] parts) => System.IO.Path.Combine([Repository, "tests", "data", .. parts]);

    /// <summary>A file or folder below <c>weights</c>.</summary>
    public static string Weights(params string[] parts) => System.IO.Path.Combine([Repository, "weights", .. parts]);

    private static string FindRepository()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(System.IO.Path.Combine(folder.FullName, "Handwritten.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new DirectoryNotFoundException("Handwritten.sln is in no folder above the tests.");
    }
}
