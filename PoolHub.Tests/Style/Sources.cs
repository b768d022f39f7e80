using System.Runtime.CompilerServices;

namespace PoolHub.Tests.Style;

/// <summary>The repository as text.</summary>
internal static class Sources
{
    public static string Root { get; } = Path.GetFullPath(Path.Combine(ThisDirectory(), "..", ".."));

    /// <summary>Every C# file that people write, with its path from the root.</summary>
    public static IEnumerable<(string Path, string[] Lines)> Files(string under = "")
    {
        string directory = Path.Combine(Root, under);
        return Directory.EnumerateFiles(directory, "*.cs", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Root, file))
            .Where(path => !path.Split('/').Any(part => part is "bin" or "obj" or "out"))
            .Order(StringComparer.Ordinal)
            .Select(path => (path, File.ReadAllLines(Path.Combine(Root, path))));
    }

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    private static string ThisDirectory([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
