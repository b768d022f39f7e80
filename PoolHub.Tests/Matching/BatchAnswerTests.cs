using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using PoolHub.Protocol.Http;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Matching;

/// <summary>docs/http-api.md, "Batches": how an answer comes.</summary>
public sealed class BatchAnswerTests
{
    private const int Miners = 60;

    [Theory]
    [InlineData(1, false)]
    [InlineData(5, false)]
    [InlineData(40, true)]
    public async Task Short_answer_has_its_length_and_a_long_one_comes_in_pieces_and_is_whole(int requests, bool inPieces)
    {
        await using TestHub hub = await TestHub.StartAsync();
        await Task.WhenAll(Enumerable.Range(0, Miners).Select(i => hub.RegisterAsync($"m{i}")));
        using var http = new HttpClient { BaseAddress = new Uri($"http://{hub.Hub.HttpEndPoint}") };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", TestHub.CoordinatorSecret);
        string body = $$"""{"requests":[{{string.Join(',', Enumerable.Range(0, requests).Select(i => $$"""{"job_id":"j{{i}}","top_k":{{Miners}}}"""))}}]}""";
        using var request = new HttpRequestMessage(HttpMethod.Post, "v1/match/batch") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        using HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Assert.Equal(("application/json", inPieces), (response.Content.Headers.ContentType?.MediaType, response.Content.Headers.ContentLength is null));
        BatchResponse batch = (await response.Content.ReadFromJsonAsync(HubJson.Default.BatchResponse, TestContext.Current.CancellationToken))!;
        Assert.Equal(Enumerable.Range(0, requests).Select(i => $"j{i}"), batch.Answers.Select(a => a.JobId));
        Assert.All(batch.Answers, answer => Assert.Equal(Miners, answer.Candidates.Length));
    }
}
