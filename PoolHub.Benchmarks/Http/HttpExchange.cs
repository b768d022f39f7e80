using System.Text;
using System.Text.Json;
using PoolHub.Benchmarks.Children;
using PoolHub.Benchmarks.Fleets;
using PoolHub.Benchmarks.Hubs;
using PoolHub.Protocol.Http;

namespace PoolHub.Benchmarks.Http;

/// <summary>The example of docs/http-api.md as the bytes of a request, and its answer.</summary>
internal static class HttpExchange
{
    public static byte[] Request(string path) =>
        Request(path, JsonSerializer.SerializeToUtf8Bytes(Requests.Example, HubJson.Default.MatchRequest));

    /// <summary>The example so many times in one request, each for another job.</summary>
    public static byte[] Batch(int matches)
    {
        var batch = new BatchRequest
        {
            Requests = [.. Enumerable.Range(0, matches).Select(i => Requests.Example with { JobId = $"{Requests.Example.JobId}-{i}" })],
        };
        return Request("/v1/match/batch", JsonSerializer.SerializeToUtf8Bytes(batch, HubJson.Default.BatchRequest));
    }

    private static byte[] Request(string path, byte[] body)
    {
        string head = $"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {HubUnderTest.Secret}\r\n"
            + $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n";
        return [.. Encoding.ASCII.GetBytes(head), .. body];
    }

    /// <summary>The answer's body to one match.</summary>
    /// <exception cref="InvalidDataException">It has not as many candidates as were asked for.</exception>
    public static byte[] Match(int port)
    {
        byte[] answer = LoadChild.Ask(new HttpDialect(), port, Request("/v1/match"));
        byte[] body = answer[(answer.AsSpan().IndexOf("\r\n\r\n"u8) + 4)..];
        int candidates = JsonSerializer.Deserialize(body, HubJson.Default.MatchResponse)!.Candidates.Length;
        return candidates == Requests.Example.TopK
            ? body
            : throw new InvalidDataException($"the match has {candidates} candidates: {Encoding.UTF8.GetString(body)}");
    }
}
