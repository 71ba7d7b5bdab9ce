import com.google.cloud.tools.jib.api.Containerizer;
import com.google.cloud.tools.jib.api.Jib;
import com.google.cloud.tools.jib.api.RegistryImage;
import com.google.cloud.tools.jib.api.buildplan.Platform;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;

/** Pushes an image of one file for two platforms, as Jib's plugins do, and prints its digest. */
public class JibPush {
  public static void main(String[] args) throws Exception {
    String image = args[0], secondTag = args[1], username = args[2], password = args[3], file = args[4];
    var target = RegistryImage.named(image).addCredential(username, password);
    // In one order: that of Set.of changes from run to run, and the index's digest with it.
    var platforms = new LinkedHashSet<>(List.of(new Platform("amd64", "linux"), new Platform("arm64", "linux")));
    try {
      var pushed = Jib.fromScratch()
          .setPlatforms(platforms)
          .addLayer(List.of(Path.of(file)), "/")
          .setEntrypoint("/file")
          .containerize(Containerizer.to(target).withAdditionalTag(secondTag).setAllowInsecureRegistries(true));
      System.out.println(pushed.getDigest());
    } catch (Exception error) {
      // The plugins print the message and those of the causes.
      for (Throwable cause = error; cause != null; cause = cause.getCause()) {
        System.err.println(cause.getMessage());
      }
      System.exit(1);
    }
  }
}
