namespace PoolHub.Benchmarks.Children;

/// <summary>Requests as files, for a child to read.</summary>
internal sealed class RequestFiles : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("poolhub-bench-").FullName;

    public RequestFiles(params byte[][] requests)
    {
        Paths = [.. requests.Select((_, i) => Path.Combine(_directory, $"{i}"))];
        for (int i = 0; i < requests.Length; i++)
        {
            File.WriteAllBytes(Paths[i], requests[i]);
        }
    }

    public string[] Paths { get; }

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
